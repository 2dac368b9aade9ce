package accord

func check(d *Document, root *node) []Problem { return nil }

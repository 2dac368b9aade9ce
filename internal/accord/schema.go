package accord

func checkSchema(root *node) []Problem { return nil }

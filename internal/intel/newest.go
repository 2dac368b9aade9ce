package intel

import "context"

// NewestHere returns the text of the newest version of an object that was imported
// here and accepted, and nil if there is none: what a partner brought under the same
// id, which it can guess, is passed over.
func (in *Intel) NewestHere(ctx context.Context, id string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var raw []byte
	err := in.view(func(v reading) (err error) {
		raw, err = v.newestHere(id)
		return err
	})
	return raw, err
}

func (v reading) newestHere(id string) ([]byte, error) {
	t := newTx(v)
	prefix := idPrefix(id)
	for row, err := range v.Scan(prefix, after(prefix), true) {
		if err != nil {
			return nil, err
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return nil, err
		}
		for _, one := range vs {
			here, _, err := t.shown(one, 0, localColl())
			if err != nil {
				return nil, err
			}
			if !here {
				continue
			}
			value, ok, err := v.Get(key8(keyDoc, one.seq))
			if err != nil || !ok {
				return nil, err
			}
			_, raw, err := parseDoc(value)
			return raw, err
		}
	}
	return nil, nil
}

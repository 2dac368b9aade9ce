package intel

import "context"

// NewestHere returns the text of the newest version of an object that was imported
// here and accepted, and nil if there is none: what a partner brought under the same
// id, which it can guess, is passed over.
func (in *Intel) NewestHere(ctx context.Context, id string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := newTx(in.cfg.Objects)
	prefix := idPrefix(id)
	for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), true) {
		if err != nil {
			return nil, err
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return nil, err
		}
		for _, v := range vs {
			here, _, err := t.shown(v, 0, localColl())
			if err != nil {
				return nil, err
			}
			if !here {
				continue
			}
			value, ok, err := in.cfg.Objects.Get(key8(keyDoc, v.seq))
			if err != nil || !ok {
				return nil, err
			}
			_, raw, err := parseDoc(value)
			return raw, err
		}
	}
	return nil, nil
}

package intel

import "context"

// Newest returns the text of the newest version that is kept under an id, whatever
// its state, and nil if there is none. Where one version has several texts, it is
// the one that came first.
func (in *Intel) Newest(ctx context.Context, id string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	prefix := idPrefix(id)
	for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), true) {
		if err != nil {
			return nil, err
		}
		vs, err := parseVariants(row.Value)
		if err != nil || len(vs) == 0 {
			return nil, err
		}
		value, ok, err := in.cfg.Objects.Get(key8(keyDoc, vs[0].seq))
		if err != nil || !ok {
			return nil, err
		}
		_, raw, err := parseDoc(value)
		return raw, err
	}
	return nil, nil
}

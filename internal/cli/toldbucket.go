package cli

import (
	"bufio"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	fastjson "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"entente/internal/node"
	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/asset"
)

// toldBucket is a line of what a node tells, and what was found out about it beside what is done with others.
type toldBucket struct {
	node.WatchBucket       // its values are in what follows
	aboutOne         bool  // it names no other indicator than that which it is about
	err              error // why its values cannot be taken
	// of are its values by what they are called in the set. Where the whole set is made anew they are values, in the order of the line.
	of     map[string][]watch.Indicator
	values []checkedValue
}

// checkedValue is a value, and whether it can be watched for.
type checkedValue struct {
	watch.Indicator
	checked watch.Checked
	err     error
}

// toldWeight is about what a line takes with what is made of it.
func toldWeight(line string) int { return 256 + 4*len(line) }

// linesOf streams lines.
func linesOf(lines *bufio.Scanner) iter.Seq[string] {
	return func(yield func(string) bool) {
		for lines.Scan() && yield(lines.Text()) {
		}
	}
}

// mostRoom is for how many values room is kept from one line to the next.
const mostRoom = 1 << 12

// read reads a line, with room for the values of one. It is safe for use by many at once, each with a room of its own.
func (j *joined) read(line string, whole bool, check *watch.Builder, room *[]node.WatchValue) (toldBucket, error) {
	b := toldBucket{WatchBucket: node.WatchBucket{Values: *room}}
	if !toldLine(line, &b.WatchBucket) {
		b.WatchBucket = node.WatchBucket{}
		if err := fastjson.Unmarshal([]byte(line), &b.WatchBucket, toldJSON); err != nil {
			return toldBucket{}, errors.Join(errors.New("the node's answer cannot be read"), err)
		}
	}
	if b.Bucket < 0 || b.Bucket >= watchBuckets {
		return toldBucket{}, errors.New("the node's answer cannot be read")
	}
	b.aboutOne = b.Indicator != "" && !slices.ContainsFunc(b.Values, func(v node.WatchValue) bool { return v.Indicator != b.Indicator }) &&
		!slices.ContainsFunc(b.Patterns, func(p node.WatchPattern) bool { return p.Indicator != b.Indicator })
	if whole {
		b.values = make([]checkedValue, 0, len(b.Values))
	} else {
		b.of = make(map[string][]watch.Indicator, len(b.Values))
	}
	tail := bucketTail(b.Bucket)
	var ids strings.Builder
	ids.Grow(len(b.Values) * len("indicator--00000000-0000-0000-0000-000000000000#4095"))
	for i := range b.Values {
		v := &b.Values[i]
		id, err := namedIndicator(v.Indicator)
		if err != nil {
			b.err = err
			break
		}
		value, err := observable.New(observable.Type(v.Type), v.Value)
		if err != nil {
			continue // a type that a newer node knows
		}
		text := strings.TrimPrefix(v.Indicator, "indicator--")
		if len(text) != 36 || strings.ContainsAny(text, "ABCDEF") {
			text = id.String()
		}
		from := ids.Len()
		ids.WriteString("indicator--")
		ids.WriteString(text)
		ids.WriteString(tail)
		x := watch.Indicator{ID: ids.String()[from:], Value: value, Until: v.Until, TLP: v.TLP}
		if j.begins {
			x.From = v.From
		}
		places := observable.AnyPlace
		if len(v.Places) > 0 {
			places = placesOf(v.Places)
		}
		for x.Place = range places.All() {
			if whole {
				checked, err := check.Check(value, watch.Subdomains)
				b.values = append(b.values, checkedValue{x, checked, err})
			} else {
				b.of[x.ID] = append(b.of[x.ID], x)
			}
		}
	}
	if *room, b.Values = b.Values[:0], nil; cap(*room) > mostRoom {
		*room = nil
	}
	return b, nil
}

// placesOf reads the names of places. One that is not known is of a newer node: what stands there is not told apart.
func placesOf(names []string) (all observable.Places) {
	for _, name := range names {
		if p, ok := observable.ParsePlace(name); ok {
			all = observable.In(append(slices.Collect(all.All()), p)...)
		}
	}
	return all
}

// toldJSON has what a node tells read in less memory than some times its text: what says nothing would take fifty times the room of its text, and is refused where it stands.
var toldJSON = fastjson.WithUnmarshalers(fastjson.JoinUnmarshalers(
	fastjson.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *node.WatchValue) error {
		type value node.WatchValue
		if err := fastjson.UnmarshalDecode(dec, (*value)(v)); err != nil {
			return err
		}
		_, err := namedIndicator(v.Indicator)
		return err
	}),
	fastjson.UnmarshalFromFunc(func(dec *jsontext.Decoder, p *node.WatchPattern) error {
		type pattern node.WatchPattern
		if err := fastjson.UnmarshalDecode(dec, (*pattern)(p)); err != nil {
			return err
		}
		_, err := namedIndicator(p.Indicator)
		return err
	}),
	fastjson.UnmarshalFromFunc(func(dec *jsontext.Decoder, a *node.WatchAsset) error {
		type told node.WatchAsset
		if err := fastjson.UnmarshalDecode(dec, (*told)(a)); err != nil {
			return err
		}
		_, err := asset.Clean(toldAsset(*a))
		return err
	}),
	fastjson.UnmarshalFromFunc(func(dec *jsontext.Decoder, list *[]string) error {
		*list = nil
		if dec.PeekKind() != '[' { // null, or an error
			type texts []string
			return fastjson.UnmarshalDecode(dec, (*texts)(list))
		}
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		for dec.PeekKind() != ']' {
			if len(*list) == maxTexts {
				return fmt.Errorf("the node tells more than %d texts of one thing", maxTexts)
			}
			var text string
			if err := fastjson.UnmarshalDecode(dec, &text); err != nil {
				return err
			}
			*list = append(*list, text)
		}
		_, err := dec.ReadToken()
		return err
	}),
))

// maxTexts bounds the lists of texts: the names and prefixes of an asset, and the places of a value, which are fewer.
const maxTexts = max(asset.MaxNames, asset.MaxPrefixes)

// toldAsset is an asset as a node tells it.
func toldAsset(a node.WatchAsset) asset.Asset {
	return asset.Asset{ID: a.ID, Kind: "other", Names: a.Names, Prefixes: a.Prefixes}
}

// namedIndicator gives the UUID of an indicator that a node names.
func namedIndicator(id string) (uuid.UUID, error) {
	text, ok := strings.CutPrefix(id, "indicator--")
	u, err := uuid.Parse(text)
	if !ok || err != nil {
		return uuid.UUID{}, fmt.Errorf("the node names an indicator %.80q", id)
	}
	return u, nil
}

// addTo adds the values of a line, and parts of patterns by what those are called in the set. It tells how many values cannot be watched for.
func (b *toldBucket) addTo(builder *watch.Builder, parts map[string][]watch.Indicator) (broad int64, err error) {
	for i := range b.values {
		v := &b.values[i]
		err := v.err
		if err == nil {
			err = builder.AddChecked(&v.checked, v.Indicator)
		}
		switch {
		case errors.Is(err, watch.ErrFull):
			return broad, err
		case err != nil:
			broad++
		}
	}
	for _, list := range parts {
		for _, x := range list {
			if err := builder.Add(x); errors.Is(err, watch.ErrFull) {
				return broad, err
			}
		}
	}
	return broad, nil
}

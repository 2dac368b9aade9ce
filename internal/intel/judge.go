package intel

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"entente/stix"
)

// Bounds of what is found out about an import beside what comes in. Each object and each
// reference that is remembered costs some 430 bytes (stix.BenchmarkContextMemory).
const (
	maxTogetherObjects = 1 << 18
	maxTogetherRefs    = 1 << 16

	maxNoticeListed = 5
)

// judgedAtOnce is how many objects are judged before what was found is put together: one
// object can have a hundred problems.
const judgedAtOnce = 512

// Notice is one kind of thing that is to be known about objects that came in all the same.
type Notice struct {
	Code  string      `json:"code"`           // one of the Code constants of package stix
	Must  bool        `json:"must,omitzero"`  // the specification says MUST
	Count int64       `json:"count"`          // how often
	First []BadObject `json:"first,omitzero"` // the first five
}

type noticeKind struct {
	code string
	must bool
}

// notices puts notices together by kind.
type notices map[noticeKind]*Notice

func (n notices) add(path, id string, p *stix.Problem) {
	kind := noticeKind{p.Code, p.Must}
	one := n[kind]
	if one == nil {
		one = &Notice{Code: p.Code, Must: p.Must}
		n[kind] = one
	}
	one.Count++
	if len(one.First) < maxNoticeListed {
		one.First = append(one.First, BadObject{Path: placeOf(path, p.Path), ID: id, Reason: p.Message})
	}
}

// merge adds what was noticed later.
func (n notices) merge(later notices) {
	for kind, l := range later {
		if n[kind] == nil {
			n[kind] = l
			continue
		}
		n[kind].Count += l.Count
		n[kind].First = append(n[kind].First, l.First[:min(len(l.First), maxNoticeListed-len(n[kind].First))]...)
	}
}

// list gives them with what breaks a MUST first, then by code.
func (n notices) list() []Notice {
	var out []Notice
	for _, one := range n {
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b Notice) int {
		if a.Must != b.Must {
			if a.Must {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Code, b.Code)
	})
	return out
}

// placeOf joins the place of an object in its file and a place in the object.
func placeOf(object, property string) string {
	if object == "" || property == "" || property[0] == '[' {
		return object + property
	}
	return object + "." + property
}

// together judges what only several objects of an import show.
type together struct {
	c       *stix.Context
	notices notices
}

func (in *Intel) together(ctx context.Context) *together {
	return &together{notices: notices{}, c: stix.NewContext(stix.ContextOptions{
		MaxObjects:  maxTogetherObjects,
		MaxRefs:     maxTogetherRefs,
		MaxFindings: math.MaxInt, // they are counted, not kept
		Known: func(id string) bool {
			known, err := newTx(in.cfg.Objects).anyAccepted(id)
			return known || err != nil // what cannot be looked up is not said to be missing
		},
		Resolve: func(id string) *stix.Object {
			raw, err := in.NewestHere(ctx, id)
			if err != nil || raw == nil {
				return nil
			}
			o, err := stix.Parse(raw)
			if err != nil {
				return nil
			}
			return o
		},
	})}
}

// note puts findings together. Their places are in objects that are named by their ids.
func (t *together) note(found []stix.Finding) {
	for i := range found {
		t.notices.add("", found[i].ID, &found[i].Problem)
	}
}

// grave tells whether an object with this problem stays out. Three that are common in what is published do no harm and
// are only told: a time that is written shorter than STIX demands says the same instant, a version that claims to be
// older than the object is ordered as it claims, and nothing acts on the address of an external reference. ATT&CK has
// all three, the first in the marking definition that all of it refers to.
func grave(p stix.Problem) bool {
	switch {
	case p.Code == stix.CodePrecision, p.Code == stix.CodeOrder && p.Path == "modified", p.Code == stix.CodeValue && strings.HasPrefix(p.Path, "external_references["):
		return false
	}
	return p.Must
}

// judge keeps out what breaks a MUST and counts what breaks a SHOULD.
func (p *parcel) judge(t *together) {
	p.advice = notices{}
	good := 0
	for from := 0; from < len(p.objects); from += judgedAtOnce {
		part := p.objects[from:min(from+judgedAtOnce, len(p.objects))]
		problems := make([][]stix.Problem, len(part))
		eachOf(len(part), func(i int) { problems[i] = stix.Validate(part[i]) })
		for i, o := range part {
			at := p.paths[from+i]
			if broken := slices.IndexFunc(problems[i], grave); broken >= 0 {
				q := &problems[i][broken]
				p.refuse(at.Index, BadObject{Path: placeOf(at.Path, q.Path), ID: o.ID, Reason: q.Message})
				continue
			}
			for j := range problems[i] {
				p.advice.add(at.Path, o.ID, &problems[i][j])
			}
			t.note(t.c.Add(o))
			p.objects[good], p.paths[good] = o, at
			good++
		}
	}
	clear(p.objects[good:])
	p.objects, p.paths = p.objects[:good], p.paths[:good]
	slices.SortStableFunc(p.bad, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
}

// fault is an object that is not taken in, with its number in the stream.
type fault struct {
	at int
	BadObject
}

func (p *parcel) refuse(at int, b BadObject) {
	if len(p.bad) < batchObjects { // one batch has no more objects than that, but may have more that are none
		p.bad = append(p.bad, fault{at, b})
	} else {
		p.badMore++
	}
}

package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"time"

	"entente/internal/node"
)

// poison is what a partner may write into any field.
const poison = `"'><script>alert(1)</script><img src=//evil.example onerror=alert(1)><a href="javascript:alert(1)">x</a>{{.}}` +
	"\u202egnp.exe\u2066\x1b[31mred\x07\x00\ufeff\u2028\xff"

// hostile is a node whose every text is poison.
type hostile struct{}

func (hostile) GrantOf(d [32]byte) (node.Grant, bool) {
	return node.Grant{ID: "init", Scopes: node.Scopes()}, d == sha256.Sum256([]byte(token))
}

// soak puts poison into every string, one item into every list and map.
func soak(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(noon))
		return
	case json.RawMessage:
		inner, _ := json.Marshal(map[string]any{"id": poison, "name": poison, "kind": poison, poison: poison, "text": map[string]string{poison: poison}, "proposals": list(poisoned), "suspensions": list(poisoned), "breaches": list(poisoned), "held": list(poisoned), "void": list(poisoned), "missing": []string{poison}, "problem": poison, "by": map[string]string{"agency": poison, "role": poison}, "body": poison})
		v.Set(reflect.ValueOf(json.RawMessage(inner)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(poison)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		soak(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				soak(f)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(poison))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		soak(v.Index(0))
	case reflect.Map:
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		soak(k)
		soak(e)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(k, e)
	}
}

func list(v any) []any { return []any{v} }

var poisonedMention = map[string]any{"ref": map[string]any{"origin": poison, "index": 3}, "kind": poison, "party": poison}

// poisoned is at once a proposal, a suspension and a breach.
var poisoned = map[string]any{"ref": map[string]any{"origin": poison, "index": 3}, "kind": poison, "party": poison, "hash": poison, "status": poison, "clause": poison, "code": poison, "reason": poison, "scope": []string{poison},
	"active": true, "resumed": poisonedMention, "proposed": list(poisonedMention), "signed": list(poisonedMention), "accepted": list(poisonedMention), "unsigned": []string{poison}, "reservations": list(map[string]any{"party": poison, "clauses": []string{poison}})}

func filled[T any]() (*T, error) {
	v := new(T)
	soak(reflect.ValueOf(v).Elem())
	return v, nil
}

func (hostile) Status(context.Context) (*node.StatusResponse, error) {
	r, err := filled[node.StatusResponse]()
	r.Party = northID // this node's own id is its own
	return r, err
}
func (h hostile) Overview(ctx context.Context) (*node.StatusResponse, error) { return h.Status(ctx) }
func (hostile) Identity(context.Context) (*node.IdentityResponse, error) {
	return filled[node.IdentityResponse]()
}
func (hostile) ShowUnit(context.Context, node.UnitShowRequest) (*node.UnitShowResponse, error) {
	return filled[node.UnitShowResponse]()
}
func (hostile) ShowAccord(context.Context, node.AccordShowRequest) (*node.AccordShowResponse, error) {
	r, err := filled[node.AccordShowResponse]()
	r.Proposals, _ = json.Marshal(list(poisoned))
	return r, err
}
func (hostile) DiffAccords(context.Context, node.AccordDiffRequest) (*node.AccordDiffResponse, error) {
	return filled[node.AccordDiffResponse]()
}
func (hostile) Requests(context.Context, node.RequestListRequest) (*node.RequestListResponse, error) {
	r, err := filled[node.RequestListResponse]()
	r.Drafts[0].ID = "draft-1" // this node's own
	return r, err
}
func (hostile) Request(context.Context, node.RequestShowRequest) (*node.RequestView, error) {
	r, err := filled[node.RequestView]()
	r.Moves[0].Ref = poison + "#1"
	return r, err
}
func (hostile) Search(context.Context, node.SearchRequest) (*node.SearchResponse, error) {
	r, err := filled[node.SearchResponse]()
	r.Objects[0].Provenance[0].Ref = poison + "#1"
	return r, err
}
func (hostile) Intake(context.Context, node.IntakeRequest) (*node.IntakeResponse, error) {
	return filled[node.IntakeResponse]()
}
func (hostile) Here(context.Context) (*node.HereResponse, error) {
	r, err := filled[node.HereResponse]()
	r.Party = northID // this node's own id is its own
	return r, err
}
func (hostile) Pulse() uint64 { return 1 }
func (hostile) MoveRequest(context.Context, node.RequestMoveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

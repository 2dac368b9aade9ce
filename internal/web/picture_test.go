package web

import (
	"html/template"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPicture: whatever objects are called, their picture is what a template would have made of them, and has a place for each.
func TestPicture(t *testing.T) {
	slow := template.Must(template.New("").Funcs(functions).Funcs(template.FuncMap{"kind": kindOf}).Parse(`{{range $n := .Nodes}}<a href="/graph{{query "depth" $.Depth "id" .ID}}"><title>{{.Name}} ({{.Type}})</title><circle cx="{{.X}}" cy="{{.Y}}" r="{{.R}}" class="{{if .Known}}kind-{{kind .Type}}{{else}}unknown{{end}}"/></a>{{with .Text}}<text aria-hidden="true" x="{{$n.X}}" y="{{$n.Y}}" dy="26">{{.}}</text>{{end}}{{end}}`))
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `"><script>`, "</title>", "&amp;", "a+b c", "\x00\u202e", "\xff", "malware", "tool", strings.Repeat("name ", 1000)}))
	one := rapid.Custom(func(t *rapid.T) *drawn {
		return &drawn{ID: "x--" + text.Draw(t, "id"), Name: text.Draw(t, "name"), Type: text.Draw(t, "type"), Known: rapid.Bool().Draw(t, "known"), Text: text.Draw(t, "text"),
			X: rapid.IntRange(0, 4000).Draw(t, "x"), Y: rapid.IntRange(0, 4000).Draw(t, "y"), R: 6}
	})
	rapid.Check(t, func(t *rapid.T) {
		d := &drawing{Depth: rapid.IntRange(1, 8).Draw(t, "depth"), Nodes: rapid.SliceOfN(one, 0, 40).Draw(t, "nodes")}
		var got, want strings.Builder
		for piece := range d.Picture() {
			if len(piece) == 0 {
				t.Fatal("an empty piece")
			}
			got.WriteString(string(piece))
		}
		if err := slow.Execute(&want, d); err != nil {
			t.Fatal(err)
		}
		if want := strings.ReplaceAll(want.String(), "&#43;", "+"); got.String() != want { // a plus is itself
			t.Fatalf("%s\n%s", got.String(), want)
		}
	})
}

package stix

import (
	"fmt"
	"strings"
	"testing"
)

// uuidOf gives a random-looking UUID for a number.
func uuidOf(n int) string { return fmt.Sprintf("--%08x-91c3-4e26-8af3-0ac55e1fa4af", n) }

// versionText makes the text of a tool: its number, its modified second, more properties.
func versionText(n, second int, more string) string {
	return fmt.Sprintf(`{"type":"tool","spec_version":"2.1","id":"tool%s","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:%02d.000Z","name":"n"%s}`,
		uuidOf(n), second, more)
}

func relationText(n int, kind, from, to string) string {
	return fmt.Sprintf(`{"type":"relationship","spec_version":"2.1","id":"relationship%s",%s,"relationship_type":"%s","source_ref":"%s","target_ref":"%s"}`,
		uuidOf(n), times, kind, from, to)
}

// judge adds objects to a context and writes down what it finds: index, code, path.
func judge(t testing.TB, opts ContextOptions, texts ...string) string {
	t.Helper()
	c := NewContext(opts)
	var out []string
	note := func(list []Finding) {
		for _, f := range list {
			s := fmt.Sprintf("%d:%s@%s", f.Index, f.Code, f.Path)
			if !f.Must {
				s = "(" + s + ")"
			}
			if f.Message == "" || f.Section == "" && f.Code != CodeIncomplete && f.Code != CodeTooMany {
				t.Errorf("half a finding: %+v", f)
			}
			out = append(out, s)
		}
	}
	for _, text := range texts {
		note(c.Add(mustParse(t, text)))
	}
	note(c.Finish())
	return strings.Join(out, " ")
}

func TestContext(t *testing.T) {
	tool := func(n int) string { return versionText(n, 0, "") }
	id := func(n int) string { return "tool" + uuidOf(n) }
	ext := "extension-definition" + uuid1
	definition := func(types, more string) string {
		return objectText("extension-definition", `"name":"n","schema":"s","version":"1.0.0","created_by_ref":"identity`+uuidOf(9)+`","extension_types":[`+types+`]`+more)
	}
	content := func(modified, contents string) string {
		return objectText("language-content", `"object_ref":"`+id(1)+`","object_modified":"2024-01-01T00:00:`+modified+`Z","contents":{"de":`+contents+`}`)
	}
	self := objectText("identity", `"name":"n","created_by_ref":"identity`+uuid1+`"`)
	for name, c := range map[string]struct {
		want  string
		texts []string
	}{
		"nothing":             {"", []string{tool(1), tool(2), versionText(1, 1, ""), versionText(1, 2, `,"revoked":true`), self}},
		"conflict":            {"1:conflict@modified", []string{tool(1), versionText(1, 0, `,"x":1`)}},
		"duplicate":           {"(1:duplicate@)", []string{tool(1), tool(1)}},
		"same observable":     {"(1:duplicate@) (2:conflict@)", []string{objectText("mutex", `"name":"n"`), objectText("mutex", `"name":"n"`), objectText("mutex", `"name":"n","defanged":false`)}},
		"older":               {"(1:older@modified)", []string{versionText(1, 1, ""), tool(1)}},
		"created changed":     {"1:immutable@created", []string{tool(1), strings.Replace(versionText(1, 1, ""), `"created":"2024`, `"created":"2023`, 1)}},
		"creator changed":     {"1:immutable@created_by_ref (1:dangling@created_by_ref)", []string{tool(1), versionText(1, 1, `,"created_by_ref":"identity`+uuidOf(3)+`"`)}},
		"after revocation":    {"1:revoked@modified", []string{versionText(1, 1, `,"revoked":true`), versionText(1, 2, "")}},
		"revoked before":      {"(1:older@modified) 1:revoked@revoked 2:revoked@modified", []string{versionText(1, 2, ""), versionText(1, 1, `,"revoked":true`), versionText(1, 3, "")}},
		"dangling":            {"(0:dangling@source_ref) (0:dangling@target_ref)", []string{relationText(5, "uses", id(1), id(2)), relationText(6, "uses", id(1), id(2))}},
		"resolved later":      {"", []string{relationText(5, "related-to", id(1), id(2)), tool(1), tool(2)}},
		"fixed markings":      {"", []string{versionText(1, 0, `,"object_marking_refs":["`+TLP2Red+`"]`)}},
		"collision":           {"(1:collision@id)", []string{tool(1), strings.Replace(tool(1), "tool", "campaign", 2)}},
		"derived from itself": {"(1:cycle@target_ref)", []string{tool(1), relationText(5, "derived-from", id(1), id(1))}},
		"related to itself":   {"", []string{tool(1), relationText(5, "related-to", id(1), id(1))}},
		"cycle of three": {"(5:cycle@target_ref)", []string{tool(1), tool(2), tool(3), relationText(5, "derived-from", id(1), id(2)),
			relationText(6, "derived-from", id(2), id(3)), relationText(7, "derived-from", id(3), id(1))}},
		"two ways are no cycle": {"", []string{tool(1), tool(2), tool(3), relationText(5, "derived-from", id(1), id(2)), relationText(6, "derived-from", id(1), id(3)),
			relationText(7, "derived-from", id(2), id(3))}},
		"identities made each other": {"(1:cycle@created_by_ref)", []string{
			strings.ReplaceAll(strings.ReplaceAll(self, uuid1, uuidOf(2)), `ref":"identity`+uuidOf(2), `ref":"identity`+uuidOf(3)),
			strings.ReplaceAll(strings.ReplaceAll(self, uuid1, uuidOf(3)), `ref":"identity`+uuidOf(3), `ref":"identity`+uuidOf(2))}},
		"extension without definition": {"(0:dangling@extensions." + ext + ")", []string{versionText(1, 0, `,"extensions":{"`+ext+`":{"extension_type":"property-extension","abc":1}}`)}},
		"extension of another kind": {"(1:dangling@created_by_ref) 0:extension@extensions." + ext + ".extension_type", []string{
			versionText(1, 0, `,"extensions":{"`+ext+`":{"extension_type":"property-extension","abc":1}}`), definition(`"new-sdo"`, "")}},
		"a property that is not defined": {"(0:dangling@created_by_ref) (1:extension@rank)", []string{definition(`"toplevel-property-extension"`, `,"extension_properties":["toxicity"]`),
			versionText(1, 0, `,"rank":1,"toxicity":2,"extensions":{"`+ext+`":{"extension_type":"toplevel-property-extension"}}`)}},
		"translation":            {"", []string{content("00.000", `{"name":"N"}`), tool(1)}},
		"translation of a list":  {"0:translation@contents.de.labels 0:translation@contents.de.name", []string{content("00", `{"labels":["a"],"name":["N"]}`), versionText(1, 0, `,"labels":["a","b"]`)}},
		"translation of parts":   {"0:translation@contents.de.labels[1]", []string{content("00", `{"labels":["",7]}`), versionText(1, 0, `,"labels":["a","b"]`)}},
		"translation of nothing": {"(0:translation@contents.de.gone)", []string{content("00", `{"gone":"g"}`), tool(1)}},
		"translation of another": {"0:translation@object_modified", []string{content("09", `{"name":"N"}`), tool(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judge(t, ContextOptions{}, c.texts...); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestContextOptions: what is known elsewhere does not dangle, and what a translation is
// held to can come from elsewhere.
func TestContextOptions(t *testing.T) {
	known := func(id string) bool { return strings.HasPrefix(id, "tool") }
	if got := judge(t, ContextOptions{Known: known}, relationText(5, "uses", "tool"+uuidOf(1), "malware"+uuidOf(2))); got != "(0:dangling@target_ref)" {
		t.Error(got)
	}
	target := mustParse(t, versionText(1, 0, ""))
	content := objectText("language-content", `"object_ref":"tool`+uuidOf(1)+`","contents":{"de":{"name":[]}}`)
	got := judge(t, ContextOptions{Resolve: func(string) *Object { return target }}, string(target.Raw), content)
	if got != "1:translation@contents.de.name" {
		t.Error(got)
	}
}

// TestContextLimits: memory is bounded, and what is not remembered is not claimed.
func TestContextLimits(t *testing.T) {
	var texts []string
	for n := range 10 {
		texts = append(texts, versionText(n, 0, ""))
	}
	texts = append(texts, relationText(90, "derived-from", "tool"+uuidOf(1), "tool"+uuidOf(95)), versionText(9, 0, `,"x":1`), versionText(1, 0, `,"x":1`))
	if got := judge(t, ContextOptions{MaxObjects: 5}, texts...); got != "(5:not-complete@) 12:conflict@modified" {
		t.Error(got)
	}
	texts = nil
	for n := range 6 {
		texts = append(texts, relationText(n, "derived-from", "tool"+uuidOf(n+10), "tool"+uuidOf(n+11)))
	}
	if got := judge(t, ContextOptions{MaxRefs: 3}, texts...); got != "(2:not-complete@)" {
		t.Error(got)
	}
	if got := judge(t, ContextOptions{MaxFindings: 3}, texts...); got != "(0:dangling@source_ref) (0:dangling@target_ref) (1:too-many@)" {
		t.Error(got)
	}
	c := NewContext(ContextOptions{})
	for range maxContextHeld + 2 {
		c.Add(mustParse(t, objectText("language-content", `"object_ref":"tool`+uuid1+`","contents":{"de":{"name":"n"}}`)))
		c.Add(mustParse(t, objectText("x-a", `"extensions":{"extension-definition`+uuid1+`":{"extension_type":"new-sco"}}`)))
	}
	if len(c.texts) != maxContextHeld || len(c.uses) != maxContextHeld || !c.partial {
		t.Errorf("%d translations, %d extensions, told %v", len(c.texts), len(c.uses), c.partial)
	}
	c = NewContext(ContextOptions{})
	big := `,"description":"` + strings.Repeat("a", 7<<20) + `"`
	for range maxContextBytes/(7<<20) + 1 {
		c.Add(mustParse(t, objectText("language-content", `"object_ref":"tool`+uuid1+`","contents":{"de":{"name":"n"}}`+big)))
	}
	if c.heldSize > maxContextBytes || !c.partial {
		t.Errorf("%d bytes held, told %v", c.heldSize, c.partial)
	}
	many := `["` + strings.Repeat(`aaa","`, maxContextNames+5) + `aaa"]`
	c = NewContext(ContextOptions{})
	c.Add(mustParse(t, objectText("extension-definition", `"extension_properties":`+many)))
	if n := len(c.defs["extension-definition"+uuid1].properties); n != maxContextNames {
		t.Error(n)
	}
}

// TestContextLongChain: a chain of 200,000 derivations needs no deep stack.
func TestContextLongChain(t *testing.T) {
	c := NewContext(ContextOptions{Known: func(string) bool { return true }})
	const n = 200_000
	o := mustParse(t, relationText(1, "derived-from", "tool"+uuidOf(1), "tool"+uuidOf(2)))
	for i := range n {
		c.edge(o, i, "derived-from", "tool"+uuidOf(i), "tool"+uuidOf((i+1)%n), "target_ref")
	}
	found := c.Finish()
	if len(found) != 1 || found[0].Code != CodeCycle || found[0].Index != n-1 || len(found[0].Message) > 400 {
		t.Errorf("%d findings: %+v", len(found), found)
	}
}

package stix

import "strings"

// chained are the relationships that cannot lead back to where they began, because one
// end comes before, holds or made the other.
func chained(relationship string) bool {
	switch relationship {
	case "derived-from", "variant-of", "based-on", "authored-by", "attributed-to":
		return true
	}
	return false
}

// chainProperties are the embedded references of which the same holds. An identity that
// made itself is usual and no cycle.
var chainProperties = map[string][]string{
	"identity":           {"created_by_ref"},
	"directory":          {"contains_refs"},
	"file":               {"contains_refs"},
	"process":            {"child_refs"},
	networkTraffic:       {"encapsulates_refs"},
	"marking-definition": {"object_marking_refs"},
}

// chains notes the edges of an object in which cycles are looked for at the end.
func (c *Context) chains(o *Object, index int) {
	if o.Type == "relationship" {
		root := o.Root()
		kind, _ := root.Member("relationship_type").Text()
		source, _ := root.Member("source_ref").Text()
		target, _ := root.Member("target_ref").Text()
		switch {
		case source == "" || target == "" || o.Revoked:
		case source == target && kind != "related-to":
			c.find(o.ID, index, "target_ref", CodeCycle, false, "an object is not "+quoteShort(kind)+" itself")
		case chained(kind):
			c.edge(o, index, kind, source, target, "target_ref")
		}
		return
	}
	for _, name := range chainProperties[o.Type] {
		v := o.Root().Member(name)
		if id, ok := v.Text(); ok {
			if id != o.ID {
				c.edge(o, index, name, o.ID, id, name)
			}
			continue
		}
		i := 0
		for e := range v.Elements() {
			if id, ok := e.Text(); ok {
				c.edge(o, index, name, o.ID, id, appendIndex(name, i))
			}
			i++
		}
	}
}

func (c *Context) edge(o *Object, index int, kind, from, to, path string) {
	if c.edgeN >= c.opts.MaxRefs {
		c.incomplete(o, index)
		return
	}
	c.edgeN++
	if c.edges[kind] == nil {
		c.edges[kind] = make(map[string][]edge)
	}
	from, to = strings.Clone(from), strings.Clone(to)
	c.edges[kind][from] = append(c.edges[kind][from], edge{to: to, at: place{id: c.own(o), index: index, path: path}})
}

// maxCycleNamed is how many objects of a cycle are named.
const maxCycleNamed = 4

// cycles looks for cycles in the edges of each kind, without recursion, each edge once.
// One edge of each cycle that a search meets is told.
func (c *Context) cycles() {
	type frame struct {
		id   string
		next int
	}
	for _, kind := range sortedKeys(c.edges) {
		graph := c.edges[kind]
		state := make(map[string]uint8, len(graph)) // 1 on the path, 2 done
		for _, start := range sortedKeys(graph) {
			if state[start] != 0 {
				continue
			}
			path := []frame{{id: start}}
			state[start] = 1
			for len(path) > 0 {
				top := &path[len(path)-1]
				out := graph[top.id]
				if top.next == len(out) {
					state[top.id] = 2
					path = path[:len(path)-1]
					continue
				}
				e := out[top.next]
				top.next++
				switch state[e.to] {
				case 0:
					state[e.to] = 1
					path = append(path, frame{id: e.to})
				case 1:
					var names []string
					for i := len(path) - 1; i >= 0 && len(names) < maxCycleNamed; i-- {
						names = append(names, path[i].id)
						if path[i].id == e.to {
							break
						}
					}
					c.find(e.at.id, e.at.index, e.at.path, CodeCycle, kind == "object_marking_refs",
						"leads by "+kind+" back to where it began, by way of "+strings.Join(names, ", "))
				}
			}
		}
	}
}

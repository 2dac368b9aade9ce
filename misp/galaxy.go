package misp

import (
	"fmt"
	"strings"
	"time"
)

// clusterType gives the STIX type of the clusters of a galaxy, empty for none.
func clusterType(galaxy string) string {
	switch galaxy {
	case "mitre-attack-pattern", "mitre-enterprise-attack-attack-pattern", "mitre-mobile-attack-attack-pattern",
		"mitre-pre-attack-attack-pattern", "mitre-ics-techniques", "cmtmf-attack-pattern":
		return "attack-pattern"
	case "mitre-course-of-action", "mitre-enterprise-attack-course-of-action", "mitre-mobile-attack-course-of-action":
		return "course-of-action"
	case "mitre-intrusion-set", "mitre-enterprise-attack-intrusion-set", "mitre-mobile-attack-intrusion-set", "mitre-pre-attack-intrusion-set":
		return "intrusion-set"
	case "mitre-malware", "mitre-enterprise-attack-malware", "mitre-mobile-attack-malware", "mitre-ics-software",
		"malpedia", "ransomware", "android", "backdoor", "banker", "stealer", "cryptominers":
		return "malware"
	case "threat-actor", "360net-threat-actor", "microsoft-activity-group", "mitre-ics-groups":
		return "threat-actor"
	case "tool", "mitre-tool", "mitre-enterprise-attack-tool", "mitre-mobile-attack-tool", "rat", "botnet", "exploit-kit", "tds":
		return "tool"
	case "branded-vulnerability":
		return "vulnerability"
	case "sector":
		return "identity"
	case "country", "region":
		return "location"
	}
	for _, prefix := range []string{"stix-2.1-", "stix-2.0-"} {
		switch typ, ok := strings.CutPrefix(galaxy, prefix); {
		case !ok:
		case typ == "attack-pattern", typ == "campaign", typ == "course-of-action", typ == "intrusion-set", typ == "malware",
			typ == "threat-actor", typ == "tool", typ == "vulnerability", typ == "infrastructure":
			return typ
		}
	}
	return ""
}

// galaxy adds the clusters of a galaxy and gives their identifiers.
func (c *toSTIX) galaxy(g Galaxy) ([]string, error) {
	var ids []string
	for cl := range g.Clusters() {
		uuid, ok := idUUID(cl.UUID())
		if !ok {
			uuid = derive("cluster", g.Type(), cl.Value())
		}
		typ := clusterType(g.Type())
		if typ == "" {
			typ = clusterType(cl.Type())
		}
		if typ != "" {
			if c.has[typ+"--"+uuid] {
				ids = append(ids, typ+"--"+uuid)
				continue
			}
			t := c.cluster(g, cl, typ, uuid)
			if o, err := c.check(t.done()); err == nil {
				c.put(o)
				ids = append(ids, o.ID)
				continue
			}
		}
		id, err := c.customCluster(g, cl, uuid, typ)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (c *toSTIX) customCluster(g Galaxy, cl Cluster, uuid, typ string) (string, error) {
	id := "x-misp-galaxy-cluster--" + uuid
	if c.has[id] {
		return id, nil
	}
	why := "STIX has no counterpart for the galaxy " + g.Type()
	if typ != "" {
		why = "what a " + typ + " must have is missing"
	}
	c.out.OnlyKept = append(c.out.OnlyKept, OnlyKept{UUID: uuid, Type: g.Type(), Why: why})
	t := clusterFrame("x-misp-galaxy-cluster", uuid, cl)
	t.strs("labels", []string{`misp:galaxy-name="` + g.Name() + `"`, `misp:galaxy-type="` + g.Type() + `"`})
	t.str("x_misp_name", g.Name())
	t.str("x_misp_type", cl.Type())
	t.str("x_misp_value", cl.Value())
	t.str("x_misp_description", cl.Description())
	o, err := c.check(t.done())
	if err != nil {
		return "", fmt.Errorf("%w: GalaxyCluster %s: %w", ErrNotExpressible, uuid, err)
	}
	c.put(o)
	return id, nil
}

// clusterFrame begins the object of a cluster. Many clusters have the UUID, and so the
// identifier, of an object of MITRE ATT&CK. What MISP says of them must never take
// the place of what MITRE says: their version is as many seconds after 1970 as the
// version of the galaxy says, older than any version that a maker of STIX gives.
func clusterFrame(typ, uuid string, cl Cluster) *text {
	t := newText(typ, typ+"--"+uuid)
	version, _ := cl.Int("version")
	version = min(max(version, 0), 1<<28)
	t.when("created", epochStart)
	t.when("modified", epochStart.Add(time.Duration(version)*time.Second))
	return t
}

// cluster writes a cluster as a domain object.
func (c *toSTIX) cluster(g Galaxy, cl Cluster, typ, uuid string) *text {
	t := clusterFrame(typ, uuid, cl)
	t.strs("labels", []string{`misp:galaxy-name="` + g.Name() + `"`, `misp:galaxy-type="` + g.Type() + `"`})
	if refs := clusterReferences(g, cl, typ); refs != nil {
		t.raw("external_references", append(append([]byte{'['}, refs...), ']'))
	}
	t.str("name", clusterName(cl))
	t.str("description", cl.Description())
	aliases := cl.Meta("synonyms")
	switch typ {
	case "identity":
		t.str("identity_class", "class")
	case "location":
		if iso := cl.Meta("ISO"); len(iso) > 0 {
			t.str("country", strings.ToUpper(iso[0]))
		} else if g.Type() == "region" {
			_, region, _ := strings.Cut(cl.Value(), " - ")
			t.str("region", strings.ReplaceAll(strings.ToLower(region), " ", "-"))
		}
	case "malware":
		t.flag("is_family", true)
		t.strs("aliases", aliases)
		t.raw("kill_chain_phases", phases(cl))
	case "attack-pattern", "tool", "infrastructure":
		t.strs("aliases", aliases)
		t.raw("kill_chain_phases", phases(cl))
	case "campaign", "intrusion-set", "threat-actor":
		t.strs("aliases", aliases)
	}
	return t
}

// clusterName is the value of a cluster without the external id that MISP appends to
// the names of ATT&CK.
func clusterName(cl Cluster) string {
	name := cl.Value()
	for _, id := range cl.Meta("external_id") {
		name = strings.TrimSuffix(name, " - "+id)
	}
	if name == "" {
		return cl.UUID()
	}
	return name
}

func clusterReferences(g Galaxy, cl Cluster, typ string) []byte {
	var refs []byte
	add := func(source, url, id string) {
		if url == "" && id == "" {
			return
		}
		r := &text{b: []byte{'{'}}
		r.str("source_name", source)
		r.str("url", url)
		r.str("external_id", id)
		if refs != nil {
			refs = append(refs, ',')
		}
		refs = append(refs, r.done()...)
	}
	source := g.Type()
	switch {
	case typ == "vulnerability":
		source = "cve"
	case strings.HasPrefix(source, "mitre-ics-"):
		source = "mitre-ics-attack"
	case strings.HasPrefix(source, "mitre-mobile-attack"):
		source = "mitre-mobile-attack"
	case strings.HasPrefix(source, "mitre-"):
		source = "mitre-attack"
	}
	for _, id := range cl.Meta("external_id") {
		add(source, "", id)
	}
	if typ == "vulnerability" {
		for _, id := range cl.Meta("aliases") {
			add(source, "", id)
		}
	}
	for _, url := range cl.Meta("refs") {
		add("url", url, "")
	}
	return refs
}

// phases reads "mitre-attack:persistence", in older galaxies with a platform between.
func phases(cl Cluster) []byte {
	var list []byte
	for _, s := range cl.Meta("kill_chain") {
		chain, rest, ok := strings.Cut(s, ":")
		phase := rest[strings.LastIndexByte(rest, ':')+1:]
		if !ok || chain == "" || phase == "" {
			continue
		}
		p := &text{b: []byte{'{'}}
		p.str("kill_chain_name", chain)
		p.str("phase_name", phase)
		if list != nil {
			list = append(list, ',')
		}
		list = append(list, p.done()...)
	}
	if list == nil {
		return nil
	}
	return append(append([]byte{'['}, list...), ']')
}

package feed

import (
	"strings"

	"github.com/google/uuid"

	"entente/internal/observable"
)

// sigmaFormat writes rules of Sigma: for each block one rule a type, so that a rule
// stays short enough for what it is converted to. Values that Sigma has no field for
// are not carried.
func sigmaFormat() Format {
	return Format{Name: "sigma", For: "SIEMs that read Sigma rules", MediaType: "application/yaml", Extension: "yml",
		Types: []observable.Type{observable.Domain, observable.IPv4, observable.IPv6, observable.URL, observable.MD5, observable.SHA1, observable.SHA256},
		head:  comment("#"),
		fits:  func(v observable.Value) bool { return plainLine(v.Text) },
		block: sigmaBlock}
}

// sigmaRules say where Sigma finds values of a type.
var sigmaRules = []struct {
	types           []observable.Type
	title, category string
	field           string
}{
	{[]observable.Type{observable.Domain}, "Name of an indicator is asked for", "dns_query", "QueryName"},
	{[]observable.Type{observable.IPv4, observable.IPv6}, "Connection to an address of an indicator", "network_connection", "DestinationIp"},
	{[]observable.Type{observable.URL}, "URL of an indicator is asked for", "proxy", "c-uri"},
	{[]observable.Type{observable.MD5, observable.SHA1, observable.SHA256}, "Program of an indicator is started", "process_creation", "Hashes|contains"},
}

// sigmaSpace is the namespace of the rules' ids.
var sigmaSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("entente/sigma/v1"))

func sigmaBlock(dst []byte, entries []Entry) []byte {
	// Wildcards of Sigma, and the quote of YAML.
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `'`, `''`)
	for _, rule := range sigmaRules {
		var b strings.Builder
		first := ""
		for i := range entries {
			v := entries[i].Value
			for _, t := range rule.types {
				if t != v.Type {
					continue
				}
				if first == "" {
					first = v.Key()
				}
				b.WriteString("            - '" + escape.Replace(v.Text) + "'\n")
			}
		}
		if first == "" {
			continue
		}
		id := uuid.NewSHA1(sigmaSpace, []byte(rule.category+"\x00"+first)).String()
		product := ""
		if rule.category != "proxy" {
			product = "    product: windows\n"
		}
		dst = append(dst, "---\ntitle: "+rule.title+"\nid: "+id+"\nstatus: experimental\nlogsource:\n    category: "+rule.category+"\n"+product+
			"detection:\n    selection:\n        "+rule.field+":\n"+b.String()+"    condition: selection\nlevel: high\n"...)
	}
	return dst
}

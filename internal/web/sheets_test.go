package web

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"entente/internal/lang"
)

// TestSheets: pages that are made at once each speak to their own reader, and so many sheets as are bounded are kept.
func TestSheets(t *testing.T) {
	s := parsePages()
	var all sync.WaitGroup
	tags := lang.Tags()
	for i := range 5 * maxSheets {
		all.Go(func() {
			c, _ := lang.Known(tags[i%len(tags)])
			zone, _ := zoneNamed(fmt.Sprintf("+%02d:30", i%14))
			for range 5 {
				var b bytes.Buffer
				if err := s.execute(&b, "signedout", reader{c.In(zone.at), zone}, &page{Public: true, Now: noon, Data: providerData{Name: "x", To: "https://id.example"}}); err != nil {
					t.Error(err)
					return
				}
				if body := b.String(); !strings.Contains(body, `lang="`+c.Tag()+`"`) || !strings.Contains(body, strings.Replace(zone.Name, "+", "&#43;", 1)) && !strings.Contains(body, zone.Name) {
					t.Errorf("not for a reader in %s at %s", c.Tag(), zone.Name)
				}
			}
		})
	}
	all.Wait()
	var held []*sheet
	for range maxSheets + 2 {
		sh, err := s.take("signedout")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, sh)
	}
	for _, sh := range held {
		s.put("signedout", sh)
	}
	if n := len(s.free["signedout"]); n != maxSheets {
		t.Errorf("%d sheets lie ready", n)
	}
}

package accord

import (
	"fmt"
	"strings"
	"testing"
)

// TestKindsOfEveryFamily: what the gate knows as content a text can name, for a role, a ceiling, a release; and nothing else.
func TestKindsOfEveryFamily(t *testing.T) {
	names := append([]string{"nonsense", "statements", "accord"}, contentFamilies...)
	for i, family := range names {
		for _, kind := range []string{family + ".*", family + ".sign"} {
			text := strings.Replace(string(Example("minimal")), `kind: "*"`, fmt.Sprintf("kind: %q", kind), 1)
			if text == string(Example("minimal")) {
				t.Fatal("the example names no kind")
			}
			_, problems, err := Parse([]byte(text))
			good := err == nil
			if good != (i >= 3) {
				t.Errorf("%s: %v %v", kind, problems, err)
			}
		}
	}
}

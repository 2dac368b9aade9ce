package pattern_test

import (
	"fmt"

	"entente/stix/pattern"
)

func ExampleExtractAtoms() {
	atoms, err := pattern.ExtractAtoms(`[file:name = 'a.exe' AND file:hashes.'SHA-256' IN ('aa', 'bb')] WITHIN 5 SECONDS`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range atoms {
		fmt.Println(a.ObjectType, a.Path, a.Op, a.Value.Text, len(a.Set))
	}
	_, err = pattern.ExtractAtoms(`[file:size = 1280`)
	fmt.Println(err)
	// Output:
	// file name = a.exe 0
	// file hashes.SHA-256 IN  2
	// not a STIX pattern: expected "]" at the end of the observation, AND or OR, found the end of the pattern (line 1, column 18)
}

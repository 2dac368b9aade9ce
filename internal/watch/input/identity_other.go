//go:build !unix

package input

import "os"

// identity: there is none here, and files are known by their beginning.
func identity(os.FileInfo) identified { return identified{} }

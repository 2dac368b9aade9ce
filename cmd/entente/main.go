// Command entente runs a node of a joint unit. See 'entente --help' and
// docs/cli.md.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // accords name time zones; the machine may not know them

	"entente/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

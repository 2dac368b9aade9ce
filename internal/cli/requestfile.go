package cli

import (
	"github.com/spf13/cobra"

	"entente/internal/accord"
	"entente/internal/node"
)

// requestFile reads a request from a file. What remains to the flags is whether it is sent, in which unit
// where the file names none, and in whose name.
func (a *app) requestFile(cmd *cobra.Command, file string, flags node.RequestNewRequest) (node.RequestNewRequest, error) {
	for _, name := range []string{"to", "type", "detected", "urgency", "tlp", "title", "text", "text-lang", "text-file", "field", "from-draft"} {
		if cmd.Flags().Changed(name) {
			return flags, usage("usage.same", "flag", "--"+name, "other", "--file")
		}
	}
	text, err := a.readText(file, accord.MaxText)
	if err != nil {
		return flags, err
	}
	r, err := node.ParseRequestFile(text)
	if err != nil {
		return flags, err
	}
	r.Draft, r.DryRun, r.Release = flags.Draft, flags.DryRun, flags.Release
	if r.Unit == "" {
		r.Unit = flags.Unit
	} else if flags.Unit != "" && flags.Unit != r.Unit {
		return flags, usage("usage.unit-differs", "unit", flags.Unit, "other", r.Unit)
	}
	if r.By == (node.Claim{}) {
		r.By = flags.By
	}
	return r, nil
}

package cli

import (
	"github.com/spf13/cobra"

	"entente/internal/node"
)

// acting are the flags of commands that write a journal entry.
type acting struct {
	agency, role string
	release      []string
	hold         bool
	unit         string
}

// actingFlags adds --agency, --role, --release and --unit to a command.
func (a *app) actingFlags(cmd *cobra.Command) *acting {
	x := new(acting)
	f := cmd.Flags()
	f.StringVar(&x.agency, "agency", a.env("ENTENTE_AGENCY"), "agency you act for (default $ENTENTE_AGENCY, else the node's configuration)")
	f.StringVar(&x.role, "role", a.env("ENTENTE_ROLE"), "role you act in (default $ENTENTE_ROLE, else the node's configuration)")
	f.StringArrayVar(&x.release, "release", nil, "AGENCY:ROLE that also releases it; give it twice where the accord asks for two persons")
	f.BoolVar(&x.hold, "hold-ready", false, "where the accord asks for two persons, hold it ready for another officer instead")
	unitFlag(cmd, &x.unit)
	// What the environment holds is nobody's default in the documentation.
	f.Lookup("agency").DefValue, f.Lookup("role").DefValue = "", ""
	return x
}

func unitFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "unit", "", "the unit, by name, id or a prefix of it (default: the only one)")
}

// claims turns the flags into what a request carries.
func (x *acting) claims() (node.Acting, error) {
	release, err := claimList("release", x.release)
	return node.Acting{By: node.Claim{Agency: x.agency, Role: x.role}, Release: release, HoldReady: x.hold}, err
}

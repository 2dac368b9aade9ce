package accord

import "slices"

// TLP 2.0 labels (FIRST, August 2022), from free to closed. PAP uses clear, green, amber and red.
const (
	Clear       = "clear"
	Green       = "green"
	Amber       = "amber"
	AmberStrict = "amber+strict"
	Red         = "red"
)

var (
	tlpLabels = []string{Clear, Green, Amber, AmberStrict, Red}
	papLabels = []string{Clear, Green, Amber, Red}
)

// tlpRank orders labels; "white" is TLP 1's name for clear. Unknown labels have no rank.
func tlpRank(label string) (int, bool) {
	if label == "white" {
		return 0, true
	}
	i := slices.Index(tlpLabels, label)
	return i, i >= 0
}

func papRank(label string) (int, bool) {
	if label == "white" {
		return 0, true
	}
	i := slices.Index(papLabels, label)
	return i, i >= 0
}

package accord

// RefusalCodes returns the codes of refusal that an accord has where it names none of its own.
func RefusalCodes() []string {
	var out []string
	for _, r := range defaultRefusals() {
		out = append(out, r.Code)
	}
	return out
}

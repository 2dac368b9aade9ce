package stix

// Problem is one breach of the specification in an object.
type Problem struct {
	// Path names the place, as in "external_references[0].url".
	Path string
	// Code is a short stable word for the kind of breach, one of the Code constants.
	Code string
	// Message is a sentence for people.
	Message string
	// Must is true if the specification says MUST, false if it says SHOULD.
	Must bool
}

// String gives path and message.
func (p Problem) String() string {
	level := "should"
	if p.Must {
		level = "must"
	}
	if p.Path == "" {
		return level + ": " + p.Message
	}
	return level + ": " + p.Path + ": " + p.Message
}

package watch

// Portable makes a scanner do without vector instructions, and tells whether it had them.
func (s *Scanner) Portable() bool {
	had := !s.portable
	s.portable, s.sieve = true, nil
	return had
}

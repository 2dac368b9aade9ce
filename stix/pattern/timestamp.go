package pattern

// isTimestamp tells the text of a timestamp literal (STIX 2.1 §9.2): RFC 3339 in
// UTC, with upper-case T and Z, on a day that exists. Any number of digits may
// follow the seconds.
func isTimestamp(s string) bool {
	const form = "dddd-dd-ddTdd:dd:dd"
	if len(s) <= len(form) || s[len(s)-1] != 'Z' {
		return false
	}
	for i := range len(form) {
		if form[i] == 'd' && !isDigit(s[i]) || form[i] != 'd' && s[i] != form[i] {
			return false
		}
	}
	if fraction := s[len(form) : len(s)-1]; fraction != "" {
		if fraction[0] != '.' || len(fraction) == 1 {
			return false
		}
		for i := 1; i < len(fraction); i++ {
			if !isDigit(fraction[i]) {
				return false
			}
		}
	}
	year, month, day := number(s[0:4]), number(s[5:7]), number(s[8:10])
	return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) &&
		number(s[11:13]) <= 23 && number(s[14:16]) <= 59 && number(s[17:19]) <= 60
}

// number is the value of a few digits.
func number(s string) (n int) {
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

package pattern

import (
	"strings"
	"time"
)

// timestampForm is the fixed part of a timestamp; d is a digit.
const timestampForm = "dddd-dd-ddTdd:dd:dd"

// isTimestamp tells the form of a timestamp constant as the grammar has it: RFC
// 3339 in UTC, with upper-case T and Z and any number of digits after the seconds.
// Whether the month has that day is not asked; see [RuleDate].
func isTimestamp(s string) bool {
	if len(s) <= len(timestampForm) || s[len(s)-1] != 'Z' {
		return false
	}
	for i := range len(timestampForm) {
		if f := timestampForm[i]; f == 'd' && !isDigit(s[i]) || f != 'd' && s[i] != f {
			return false
		}
	}
	if fraction := s[len(timestampForm) : len(s)-1]; fraction != "" {
		if fraction[0] != '.' || len(fraction) == 1 {
			return false
		}
		for i := 1; i < len(fraction); i++ {
			if !isDigit(fraction[i]) {
				return false
			}
		}
	}
	month, day := number(s[5:7]), number(s[8:10])
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
		number(s[11:13]) <= 23 && number(s[14:16]) <= 59 && number(s[17:19]) <= 60
}

// isDate tells whether the day of a timestamp exists.
func isDate(s string) bool {
	return number(s[8:10]) <= daysIn(number(s[:4]), number(s[5:7]))
}

// shortTimestamp takes the zeros from the end of the fraction.
func shortTimestamp(s string) string {
	if len(s) == len(timestampForm)+1 {
		return s
	}
	short := strings.TrimRight(s[:len(s)-1], "0")
	if short[len(short)-1] == '.' {
		short = s[:len(timestampForm)]
	}
	if len(short) == len(s)-1 {
		return s
	}
	return short + "Z"
}

// compareTimestamps orders two timestamps of one form exactly, however many digits
// follow the seconds.
func compareTimestamps(a, b string) int {
	n := len(timestampForm)
	if c := strings.Compare(a[:n], b[:n]); c != 0 {
		return c
	}
	return strings.Compare(strings.TrimRight(a[n:len(a)-1], ".0"), strings.TrimRight(b[n:len(b)-1], ".0"))
}

// timeOf gives a timestamp as a time, to the nanosecond. A leap second is the
// second after it.
func timeOf(s string) time.Time {
	n := len(timestampForm)
	nano, unit := 0, 100_000_000
	for i := n + 1; i < len(s)-1; i++ {
		nano += int(s[i]-'0') * unit
		unit /= 10
	}
	return time.Date(number(s[:4]), time.Month(number(s[5:7])), number(s[8:10]), number(s[11:13]), number(s[14:16]), number(s[17:19]), nano, time.UTC)
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

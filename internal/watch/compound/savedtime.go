package compound

import (
	"encoding/json"
	"fmt"
	"time"
)

// savedTime is a time in a saved state: nanoseconds since 1970, or, where 64 bits do not tell them, a list of seconds since 1970 and nanoseconds. Logs tell times from the
// year 1 to 9999.
type savedTime time.Time

// The seconds of the years 1 to 9999.
const firstSecond, lastSecond = -62135596800, 253402300799

// MarshalJSON implements [json.Marshaler].
func (t savedTime) MarshalJSON() ([]byte, error) {
	x := time.Time(t)
	if n := x.UnixNano(); time.Unix(0, n).Equal(x) {
		return json.Marshal(n)
	}
	return json.Marshal([2]int64{x.Unix(), int64(x.Nanosecond())})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *savedTime) UnmarshalJSON(text []byte) error {
	var n int64
	if len(text) > 0 && text[0] != '[' {
		err := json.Unmarshal(text, &n)
		*t = savedTime(time.Unix(0, n).UTC())
		return err
	}
	var parts []int64
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	if len(parts) != 2 || parts[0] < firstSecond || parts[0] > lastSecond || parts[1] < 0 || parts[1] >= int64(time.Second) {
		return fmt.Errorf("%s is no time of the years 1 to 9999", text)
	}
	*t = savedTime(time.Unix(parts[0], parts[1]).UTC())
	return nil
}

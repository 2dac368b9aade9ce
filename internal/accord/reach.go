package accord

import "time"

// Reach says whether a contact answers at an instant by its hours, and when that changes next: when
// it closes, or when it opens. A contact around the clock never changes (zero). The hours of a named
// calendar are read in the contact's own zone, so that one calendar serves desks in several.
func (d *Document) Reach(c Contact, now time.Time) (open bool, change time.Time) {
	cal := d.calendar(c.Hours)
	if c.Hours == AroundTheClock || cal == nil {
		return true, time.Time{}
	}
	local := *cal
	if loc, err := Zone(c.Zone); err == nil {
		local.loc = loc
	}
	if from, until, ok := local.window(now); ok && !now.Before(from) && now.Before(until) {
		return true, local.shuts(until).UTC()
	}
	return false, local.ahead(now).UTC()
}

// AroundTheClock are the hours of a contact that answers at every hour.
const AroundTheClock = "24/7"

// shuts follows working times that touch (a day to 24:00, and the next from 00:00) to where they end.
func (b *business) shuts(until time.Time) time.Time {
	for range maxCalendarDays {
		from, next, ok := b.window(until)
		if !ok || until.Before(from) || !until.Before(next) {
			break
		}
		until = next
	}
	return until
}

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"entente/internal/store"
)

// dayLog is a log for each day (of UTC) under a folder, of which that of today is written. It is not safe for concurrent use.
type dayLog struct {
	log   *store.Log
	day   string // that log is open for
	bytes int64  // in it
}

var dayName = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

func (d *dayLog) closeLog() error {
	if d.log == nil {
		return nil
	}
	err := d.log.Close()
	d.log, d.day, d.bytes = nil, "", 0
	return err
}

// open opens the log of today, and says whether another was open, or none.
func (d *dayLog) open(fsys store.FS, folder string, now time.Time) (began bool, err error) {
	day := now.UTC().Format(time.DateOnly)
	if d.log != nil && d.day == day {
		return false, nil
	}
	if err := d.closeLog(); err != nil {
		return false, err
	}
	dir := filepath.Join(folder, day)
	if err := store.MakeDir(fsys, dir); err != nil {
		return false, err
	}
	log, err := store.OpenLog(dir, store.Options{FS: fsys})
	if err != nil {
		return false, err
	}
	d.log, d.day = log, day
	for raw, err := range log.Records(0) {
		if err != nil {
			return false, err
		}
		d.bytes += int64(len(raw))
	}
	return true, nil
}

// eachDay reads the logs of the days under a folder that are kept, the oldest first, and drops the days before.
func (n *Node) eachDay(folder string, read func(*store.Log) error) error {
	days, err := n.at.folders(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	oldest := n.now().UTC().Add(-sightingsKept).Format(time.DateOnly)
	for _, day := range slices.Sorted(slices.Values(days)) {
		if !dayName.MatchString(day) {
			continue
		}
		dir := filepath.Join(folder, day)
		if day < oldest {
			if err := store.RemoveAll(n.opts.FS, dir); err != nil {
				return err
			}
			continue
		}
		log, err := store.OpenLog(dir, store.Options{FS: n.opts.FS})
		if err != nil {
			return fmt.Errorf("%s: %w", day, err)
		}
		if err := errors.Join(read(log), log.Close()); err != nil {
			return fmt.Errorf("%s: %w", day, err)
		}
	}
	return nil
}

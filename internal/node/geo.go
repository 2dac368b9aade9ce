package node

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"entente/internal/store"
)

const (
	// maxGeoFiles is the most databases of addresses that are asked.
	maxGeoFiles = 4
	// maxGeoBytes is the largest of them; they are read into memory, so that one that is cut while it is in use cannot stop the node.
	maxGeoBytes = 512 << 20
	// geoCheck is how often it is looked whether one was replaced.
	geoCheck = time.Minute
)

// geo are the operator's databases of countries and networks of addresses, in the format of MaxMind DB 2.0. They are read when an address is first
// asked about.
type geo struct {
	mu      sync.Mutex
	checked time.Time
	files   []geoFile
}

type geoFile struct {
	path     string
	size     int64
	modified time.Time
	db       *maxminddb.Reader // nil: it cannot be used
	fault    error             // why
}

// origin is where an address is, as far as databases say.
type origin struct {
	country string // two letters of ISO 3166-1
	system  string // number of the autonomous system
	network string // its name, as the database has it
}

// geoRecord is what is read of a database's record: members of GeoIP2 and GeoLite2 Country, City and ASN, and of what is made like them.
type geoRecord struct {
	Country struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Registered struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"registered_country"`
	System       uint32 `maxminddb:"autonomous_system_number"`
	Organisation string `maxminddb:"autonomous_system_organization"`
}

// refresh reads what is new. The lock must be held.
func (g *geo) refresh(fs store.FS, paths []string, now time.Time) {
	if len(paths) == len(g.files) && now.Sub(g.checked) < geoCheck && !now.Before(g.checked) {
		return
	}
	g.checked = now
	files := make([]geoFile, 0, len(paths))
	for _, path := range paths {
		f := geoFile{path: path}
		info, err := fs.Stat(path)
		if err == nil {
			f.size, f.modified = info.Size(), info.ModTime()
			if i := slices.IndexFunc(g.files, func(x geoFile) bool { return x.path == path }); i >= 0 && g.files[i].db != nil && g.files[i].size == f.size && g.files[i].modified.Equal(f.modified) {
				files = append(files, g.files[i])
				continue
			}
			var data []byte
			if data, err = store.ReadFile(fs, path, maxGeoBytes); err == nil {
				f.db, err = openGeo(data)
			}
		}
		f.fault = err
		files = append(files, f)
	}
	g.files = files
}

// openGeo opens a database. What is wrong with one may show only when it is asked.
func openGeo(data []byte) (db *maxminddb.Reader, err error) {
	defer func() { // the file is the operator's, but it came from somewhere
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("the database is damaged: %v", p)
		}
	}()
	if db, err = maxminddb.OpenBytes(data); err != nil {
		return nil, fmt.Errorf("it is no database of addresses: %w", err)
	}
	return db, nil
}

// askGeo asks one database.
func askGeo(db *maxminddb.Reader, a netip.Addr) (rec geoRecord, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the database is damaged: %v", p)
		}
	}()
	err = db.Lookup(a).Decode(&rec)
	return rec, err
}

// of asks the databases where an address is. One that fails is told of in the view, and the others are asked.
func (g *geo) of(fs store.FS, paths []string, now time.Time, a netip.Addr) (o origin) {
	if len(paths) == 0 {
		return o
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refresh(fs, paths, now)
	for i := range g.files {
		f := &g.files[i]
		if f.db == nil || f.db.Metadata.IPVersion == 4 && !a.Is4() {
			continue
		}
		rec, err := askGeo(f.db, a)
		if err != nil {
			f.fault = err
			continue
		}
		for _, iso := range []string{rec.Country.ISO, rec.Registered.ISO} {
			if iso = strings.ToUpper(iso); o.country == "" && len(iso) == 2 && strings.Trim(iso, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
				o.country = iso
			}
		}
		if o.system == "" && rec.System > 0 {
			o.system = strconv.FormatUint(uint64(rec.System), 10)
			o.network = strings.ToValidUTF8(rec.Organisation[:min(len(rec.Organisation), 200)], "")
		}
	}
	return o
}

// view says what there is.
func (g *geo) view(fs store.FS, paths []string, now time.Time) GeoView {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refresh(fs, paths, now)
	v := GeoView{Paths: slices.Clone(paths)}
	for i := range g.files {
		f := &g.files[i]
		if f.fault != nil && v.Fault == "" {
			v.Fault = f.path + ": " + f.fault.Error()
		}
		if f.db == nil {
			continue
		}
		m := f.db.Metadata
		v.Types = append(v.Types, strings.ToValidUTF8(m.DatabaseType[:min(len(m.DatabaseType), 100)], ""))
		if built := time.Unix(int64(min(m.BuildEpoch, 1<<40)), 0).UTC(); v.Built.IsZero() || built.Before(v.Built) {
			v.Built = built
		}
	}
	return v
}

// checkWatch looks at what the configuration says under watch.
func checkWatch(c *Config) error {
	if len(c.Watch.Databases) > maxGeoFiles {
		return badInput("watch.databases in the configuration names too many files.", fmt.Sprintf("At most %d are asked.", maxGeoFiles), "Take some out.")
	}
	for _, path := range c.Watch.Databases {
		if !filepath.IsAbs(path) {
			return badInput("watch.databases in the configuration names "+quoteName(path)+".", "A path there begins at the root.", "Write the whole path.")
		}
	}
	return nil
}

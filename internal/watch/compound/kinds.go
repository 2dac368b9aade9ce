package compound

import (
	"entente/internal/observable"
	"entente/internal/watch/record"
)

// recordTypes tells which types of object a record may become, without making them.
func recordTypes(r *record.Record) (types uint64) {
	for i := range r.Fields {
		if i == MaxFields {
			break
		}
		types |= fieldTypes(&r.Fields[i])
	}
	return types
}

func fieldTypes(f *record.Field) (types uint64) {
	const traffic = 1 << 9
	switch f.Type {
	case "":
		return traffic | 1<<6 | 1<<8
	case observable.Domain, observable.IPv4, observable.IPv6:
		types = 1<<0 | 1<<1 | 1<<2
		if f.Role == record.Source || f.Role == record.Destination {
			types |= traffic
		}
	case observable.URL:
		types = 1<<3 | traffic
	case observable.Email:
		types = 1<<4 | 1<<5
	case observable.MailSubject:
		types = 1 << 5
	case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512, observable.SSDeep:
		types = 1<<6 | 1<<8
	case observable.FileName, observable.FilePath:
		types = 1<<6 | 1<<7
	case observable.Serial:
		types = 1 << 8
	case observable.UserAgent:
		types = traffic
	case observable.Process:
		types = 1<<10 | 1<<6
	case observable.Mutex:
		types = 1 << 11
	case observable.RegistryKey:
		types = 1 << 12
	case observable.Account:
		types = 1 << 13
	case observable.MAC:
		types = 1 << 14
	case observable.ASN:
		types = 1 << 15
	case observable.Other:
		types = 1<<63 | 1<<16 - 1
	}
	return types
}

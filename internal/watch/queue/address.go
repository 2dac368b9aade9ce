package queue

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Address is a queue as an input names it: nats://HOST[:PORT][,HOST...]/STREAM?consumer=NAME[&subject=SUBJECT], or
// kafka://HOST[:PORT][,HOST...]/TOPIC?group=NAME. With nats+tls and kafka+tls it is encrypted.
type Address struct {
	Kafka bool
	TLS   bool
	Hosts []string // each with its port
	// Name is the stream or topic, Consumer the durable consumer or the group, Subject a filter of a stream.
	Name, Consumer, Subject string
	// New begins a consumer or group that is not there with what comes from now on, and not with what is there.
	New bool
}

// maxHosts is the number of hosts that an address names.
const maxHosts = 64

// Is tells whether an input is a queue.
func Is(input string) bool {
	scheme, _, ok := strings.Cut(input, "://")
	return ok && slices.Contains([]string{"nats", "nats+tls", "kafka", "kafka+tls"}, scheme)
}

// Parse reads an address.
func Parse(input string) (Address, error) {
	scheme, rest, _ := strings.Cut(input, "://")
	kind, security, _ := strings.Cut(scheme, "+")
	a := Address{Kafka: kind == "kafka", TLS: security == "tls"}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, name, ok := strings.Cut(rest, "/")
	if !Is(input) || !ok || name == "" || strings.Contains(name, "/") {
		return a, errors.New("it is nats://HOST/STREAM?consumer=NAME or kafka://HOST/TOPIC?group=NAME")
	}
	if strings.Contains(hosts, "@") {
		return a, errors.New("names and passwords do not belong into an address, where everybody on the machine sees them: see --queue-credentials and --queue-user")
	}
	port := "4222"
	if a.Kafka {
		port = "9092"
	}
	for h := range strings.SplitSeq(hosts, ",") {
		if _, _, err := net.SplitHostPort(h); err != nil {
			h = net.JoinHostPort(strings.Trim(h, "[]"), port)
		}
		host, p, err := net.SplitHostPort(h)
		if err != nil || host == "" || p == "" || strings.ContainsAny(h, " \t\r\n") {
			return a, fmt.Errorf("%q is not HOST or HOST:PORT", h)
		}
		a.Hosts = append(a.Hosts, h)
	}
	if len(a.Hosts) > maxHosts {
		return a, fmt.Errorf("it names more than %d hosts", maxHosts)
	}
	var err error
	if a.Name, err = url.PathUnescape(name); err != nil {
		return a, err
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return a, err
	}
	for key, v := range values {
		switch {
		case len(v) != 1 || v[0] == "":
			return a, fmt.Errorf("%s is given more than once, or empty", key)
		case key == "consumer" && !a.Kafka, key == "group" && a.Kafka:
			a.Consumer = v[0]
		case key == "subject" && !a.Kafka:
			a.Subject = v[0]
		case key == "from" && (v[0] == "new" || v[0] == "all"):
			a.New = v[0] == "new"
		default:
			return a, fmt.Errorf("%s=%s is not known: there are consumer and subject (NATS), group (Kafka), and from=all or from=new", key, v[0])
		}
	}
	switch {
	case a.Consumer == "" && a.Kafka:
		return a, errors.New("it needs ?group=NAME: watchers of one group share a topic")
	case a.Consumer == "":
		return a, errors.New("it needs ?consumer=NAME: watchers of one consumer share a stream")
	case !a.Kafka && (strings.ContainsAny(a.Consumer, ".*>/\\ \t\r\n") || strings.ContainsAny(a.Name, ".*>/\\ \t\r\n")):
		return a, errors.New("a stream or consumer of JetStream has no dots, stars, slashes and spaces in its name")
	}
	return a, nil
}

// Local tells whether all hosts are this machine.
func (a *Address) Local() bool {
	return !slices.ContainsFunc(a.Hosts, func(h string) bool {
		host, _, _ := net.SplitHostPort(h)
		ip := net.ParseIP(host)
		return host != "localhost" && (ip == nil || !ip.IsLoopback())
	})
}

// String is the address without what may be secret.
func (a Address) String() string {
	kind := "nats"
	if a.Kafka {
		kind = "kafka"
	}
	if a.TLS {
		kind += "+tls"
	}
	return kind + "://" + strings.Join(a.Hosts, ",") + "/" + a.Name
}

package peer

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// door keeps a server's connections to a number. When one more comes, the one goes
// that has been at the door longest without having asked for anything: it is in its
// handshake, or in the head of its first request. Those come first that come from
// where no partner was seen. So half-open connections, which cost a stranger nothing,
// push out each other and not a partner, however many there are. If nobody waits, the
// connection goes that has been idle longest, which its owner opens again when it
// needs it. What is being answered is never cut for a newcomer: then it is the
// newcomer that goes.
type door struct {
	most int

	mu      sync.Mutex
	strange *list.List // of connections that have not asked for anything, oldest first
	waiting *list.List // the same, from where a partner was seen
	idle    *list.List // between two requests
	at      map[net.Conn]place
	seen    map[netip.Prefix]*list.Element // hosts from which partners came
	hosts   *list.List                     // the same, the latest first
}

// maxHosts bounds the hosts that a door remembers partners to have come from.
const maxHosts = 1024

type place struct {
	in *list.List // nil: being answered
	el *list.Element
}

func newDoor(most int) *door {
	return &door{most: most, strange: list.New(), waiting: list.New(), idle: list.New(), at: make(map[net.Conn]place),
		seen: make(map[netip.Prefix]*list.Element), hosts: list.New()}
}

// know remembers that a partner came from a host.
func (d *door) know(host netip.Prefix) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if el := d.seen[host]; el != nil {
		d.hosts.MoveToFront(el)
		return
	}
	d.seen[host] = d.hosts.PushFront(host)
	if d.hosts.Len() > maxHosts {
		delete(d.seen, d.hosts.Remove(d.hosts.Back()).(netip.Prefix))
	}
}

// state is told by the server about every connection.
func (d *door) state(c net.Conn, s http.ConnState) {
	if gone := d.move(c, s); gone != nil {
		cut(gone)
	}
}

// move notes the state and returns the connection that has to go, if one has.
func (d *door) move(c net.Conn, s http.ConnState) net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	was, known := d.at[c]
	if known && was.in != nil {
		was.in.Remove(was.el)
	}
	switch s {
	case http.StateNew:
		in := d.strange
		if d.seen[hostOf(c.RemoteAddr())] != nil {
			in = d.waiting
		}
		d.at[c] = place{in, in.PushBack(c)}
	case http.StateActive:
		d.at[c] = place{}
	case http.StateIdle:
		d.at[c] = place{d.idle, d.idle.PushBack(c)}
	default:
		delete(d.at, c)
		return nil
	}
	if len(d.at) <= d.most {
		return nil
	}
	gone := c
	for _, in := range []*list.List{d.strange, d.waiting, d.idle} {
		if el := in.Front(); el != nil && el.Value != c {
			gone = el.Value.(net.Conn)
			break
		}
	}
	if p := d.at[gone]; p.in != nil {
		p.in.Remove(p.el)
	}
	delete(d.at, gone) // the server will say that it is closed, which changes nothing more
	return gone
}

// cut closes a connection without a farewell, for which it would have to wait.
func cut(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close() // nobody is left to be told
}

package queue

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestKafkaFromNew: a group that begins with what is new begins once. What comes while nobody reads is read: in partitions where nothing was read
// before, in one that was added, and where the topic dropped some of it.
func TestKafkaFromNew(t *testing.T) {
	f := newFakeKafka(t)
	f.publish(0, "old 0")
	f.publish(1, "old 1")
	w := f.watch("&from=new", Access{})
	f.publish(0, "a")
	w.until("a")
	w.stop()
	w.read("a")
	f.publish(0, "b", "c", "d")
	f.publish(1, "e")
	if err := f.DeleteRecords("dns", 0, 3); err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrCreatePartitionsRequest()
	more := kmsg.NewCreatePartitionsRequestTopic()
	more.Topic, more.Count = "dns", 3
	req.Topics = append(req.Topics, more)
	if res, err := req.RequestWith(t.Context(), f.producer); err != nil || res.Topics[0].ErrorCode != 0 {
		t.Fatal(res, err)
	}
	f.producer = f.client()
	f.publish(2, "f")
	w = f.watch("&from=new", Access{})
	w.until("c", "d", "e", "f")
	w.stop()
	w.read("c", "d", "e", "f")
	if w.stats.Lost != 1 || len(w.said) != 1 {
		t.Errorf("%+v, said %q", w.stats, w.said)
	}
}

// TestKafkaFromNewTogether: of watchers that begin at once, and of one that comes to others, none lets the group begin anew.
func TestKafkaFromNewTogether(t *testing.T) {
	f := newFakeKafka(t)
	f.publish(0, "old")
	one, two := f.watch("&from=new", Access{}), f.watch("&from=new", Access{})
	f.publish(0, "a")
	f.publish(1, "b")
	three := f.watch("&from=new", Access{})
	f.publish(1, "c")
	var got []string
	for len(got) < 3 {
		select {
		case x := <-one.lines:
			got = append(got, x)
		case x := <-two.lines:
			got = append(got, x)
		case x := <-three.lines:
			got = append(got, x)
		case <-t.Context().Done():
			t.Fatal(got)
		}
	}
	if slices.Sort(got); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Error(got)
	}
}

// TestKafkaOpens: a topic whose leader is just chosen is opened a moment later, and one that is refused is not tried again.
func TestKafkaOpens(t *testing.T) {
	f := newFakeKafka(t)
	faults := f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "dns", Err: kerr.LeaderNotAvailable, Count: 2})
	defer faults.Remove()
	f.publish(0, "a")
	w := f.watch("", Access{})
	w.until("a")
	if n := faults.Hits(); n == 0 {
		t.Error("no fault was met")
	}
	denied := f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "dns", Err: kerr.TopicAuthorizationFailed, Count: -1})
	defer denied.Remove()
	if _, err := Kafka(t.Context(), f.address(""), Access{}); err == nil || !slices.Contains([]string{"kafka://" + f.ListenAddrs()[0] + "/dns: the broker says of the topic: " + kerr.TopicAuthorizationFailed.Error()}, err.Error()) {
		t.Error(err)
	}
	if n := denied.Hits(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestKafkaRemade: a topic that is deleted and made anew is read from its beginning, under another name for the node, though its messages have the
// numbers of others; also where the group began with what was new.
func TestKafkaRemade(t *testing.T) {
	for _, query := range []string{"", "&from=new"} {
		f := newFakeKafka(t)
		w := f.watch(query, Access{})
		f.publish(0, "a", "b", "c")
		w.until("c")
		if err := f.DeleteTopic("dns"); err != nil {
			t.Fatal(err)
		}
		w.says(errNoTopic.Error())
		if err := f.CreateTopic("dns", 2, nil); err != nil {
			t.Fatal(err)
		}
		f.producer = f.client()
		f.publish(0, "d", "e")
		w.until("d", "e")
		w.says(ErrRemade.Error())
		// At once, so that nobody sees that it is not there.
		if err := f.DeleteTopic("dns"); err != nil {
			t.Fatal(err)
		}
		if err := f.CreateTopic("dns", 1, nil); err != nil {
			t.Fatal(err)
		}
		f.producer = f.client()
		f.publish(0, "f")
		w.until("f")
		w.stop()
		w.read("a", "b", "c", "d", "e", "f")
	}
}

// TestKafkaNothingOfTheOldIsCommitted: what was read of a topic is not committed of one that was made anew meanwhile.
func TestKafkaNothingOfTheOldIsCommitted(t *testing.T) {
	f := newFakeKafka(t)
	f.publish(0, "a", "b", "c")
	s, err := Kafka(t.Context(), f.address(""), Access{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var list []*Message
	for len(list) < 3 {
		more, err := s.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, more...)
	}
	if err := f.DeleteTopic("dns"); err != nil {
		t.Fatal(err)
	}
	if err := f.CreateTopic("dns", 2, nil); err != nil {
		t.Fatal(err)
	}
	s.(*kafka).asked = s.(*kafka).asked.Add(-sameEvery) // as if the node had not been there for some time
	if err := s.Done(t.Context(), list); err != ErrRemade {
		t.Error(err)
	}
	found, err := findTopic(t.Context(), f.client(), "dns")
	if err != nil {
		t.Fatal(err)
	}
	if there, err := found.committed(t.Context(), f.client(), "watchers"); there || err != nil {
		t.Error("something is committed", err)
	}
}

// TestRunOfATopic: without an identity of topics the cluster's parts topics of one name.
func TestRunOfATopic(t *testing.T) {
	a, b := topic{name: "dns", cluster: "one"}, topic{name: "dns", cluster: "two"}
	if a.run("w") == b.run("w") || a.run("w") == a.run("v") {
		t.Error("two are one")
	}
	a.id, b.id = [16]byte{1}, [16]byte{1}
	if a.run("w") != b.run("w") {
		t.Error("one is two")
	}
}

// TestKafkaTransactions: what a producer took back was never there.
func TestKafkaTransactions(t *testing.T) {
	f := newFakeKafka(t)
	p := f.client(kgo.TransactionalID("sensor"))
	send := func(how kgo.TransactionEndTry, texts ...string) {
		t.Helper()
		if err := p.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			f.send(p, &kgo.Record{Topic: "dns", Value: []byte(text)})
		}
		if err := p.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
	}
	w := f.watch("", Access{})
	send(kgo.TryCommit, "a", "b")
	send(kgo.TryAbort, "c", "d")
	send(kgo.TryCommit, "e")
	w.until("e")
	w.stop()
	w.read("a", "b", "e")
	if len(w.said) != 0 || w.stats.Lost != 0 {
		t.Errorf("said %q, %+v", w.said, w.stats)
	}
}

package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// given notes where partitions are read from that this member is given.
func (s *kafka) given(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for partition, o := range offsets[s.topic.name] {
		delete(s.large, partition)
		if at := o.EpochOffset().Offset; at >= 0 {
			s.next[partition] = at
		} else {
			delete(s.next, partition)
		}
	}
	return offsets, nil
}

// read notes what was read of a partition, and tells how many messages before it the topic no longer keeps. What is missing for another reason,
// such as marks of transactions and what a topic was compacted to, is none that was lost.
func (s *kafka) read(partition int32, first, last, start int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, known := s.next[partition]
	s.next[partition] = last + 1
	if !known {
		return 0
	}
	return max(0, min(first, start)-next)
}

// goesOn notes from where a partition is read on.
func (s *kafka) goesOn(partition int32, at int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next[partition] = at
}

// stands notes a batch that is too large.
func (s *kafka) stands(partition int32, at *kgo.ErrDecompressTooLarge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.large[partition] = at
}

// passOver goes on behind batches that are too large: the client stands before them.
func (s *kafka) passOver() {
	s.mu.Lock()
	large := maps.Clone(s.large)
	clear(s.large)
	s.mu.Unlock()
	for _, partition := range slices.Sorted(maps.Keys(large)) {
		x := large[partition]
		s.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{s.topic.name: {partition: {Epoch: x.Epoch, Offset: x.NextOffset}}})
		s.lost.tooLarge(partition, x.Offset, x.NextOffset)
		s.goesOn(partition, x.NextOffset)
	}
}

// lost is what was found to be gone before it was read, and was not told.
type lost struct {
	n       int64 // as far as it is known
	reasons []error
}

// maxReasons is how many losses are told one by one.
const maxReasons = 8

func (l *lost) add(n int64, why error) {
	l.n += n
	if len(l.reasons) < maxReasons {
		l.reasons = append(l.reasons, why)
	}
}

func (l *lost) dropped(partition int32, n int64) {
	if n > 0 {
		l.add(n, fmt.Errorf("%d messages of partition %d that the topic no longer keeps", n, partition))
	}
}

func (l *lost) tooLarge(partition int32, first, next int64) {
	n := max(1, next-first)
	l.add(n, fmt.Errorf("%d messages of partition %d from offset %d on, which are larger than %d MiB together when they are unpacked", n, partition, first, maxBatchBytes>>20))
}

func (l *lost) truncated(partition int32, from int64) {
	l.add(0, fmt.Errorf("the brokers lost messages of partition %d from offset %d on; others with the same numbers that a watcher or the node knows already are not counted", partition, from))
}

// Lost implements [Source].
func (s *kafka) Lost() *Lost {
	l := s.lost
	s.lost = lost{}
	if len(l.reasons) == 0 {
		return nil
	}
	return &Lost{Messages: l.n, Why: errors.Join(l.reasons...)}
}

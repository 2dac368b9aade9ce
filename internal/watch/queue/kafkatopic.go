package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topic is a topic as brokers know it.
type topic struct {
	name string
	// id is another one once the topic is made anew under its name; brokers before Kafka 2.8 give none.
	id         [16]byte
	cluster    string
	partitions []int32
}

// findTopic asks for a topic.
func findTopic(ctx context.Context, client *kgo.Client, name string) (topic, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(name)
	req.Topics = append(req.Topics, t)
	req.AllowAutoTopicCreation = false
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return topic{}, err
	}
	found := topic{name: name}
	if res.ClusterID != nil {
		found.cluster = *res.ClusterID
	}
	for _, t := range res.Topics {
		if t.Topic == nil || *t.Topic != name {
			continue
		}
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			return topic{}, errNoTopic
		case err != nil:
			return topic{}, fmt.Errorf("the broker says of the topic: %w", err)
		}
		found.id = t.TopicID
		for _, p := range t.Partitions {
			found.partitions = append(found.partitions, p.Partition)
		}
		return found, nil
	}
	return topic{}, errNoTopic
}

// run names the topic and a group of it. Where a topic has no identity, the cluster's is what parts it from others of its name.
func (t *topic) run(group string) string {
	text := fmt.Appendf(nil, "kafka %q %x %q", t.name, t.id, group)
	if t.id == ([16]byte{}) {
		text = fmt.Appendf(text, " %q", t.cluster)
	}
	sum := sha256.Sum256(text)
	return "kafka-" + hex.EncodeToString(sum[:12])
}

// begin lets a group that is not there begin with what is new: it commits where the partitions end. What comes from then on is read, however long
// nobody reads it, and also in partitions where nothing was before.
func (t *topic) begin(ctx context.Context, client *kgo.Client, group string) error {
	there, err := t.committed(ctx, client, group)
	if err != nil || there {
		return err
	}
	ends, err := t.ends(ctx, client)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = group
	of := kmsg.NewOffsetCommitRequestTopic()
	of.Topic, of.TopicID = t.name, t.id
	for _, partition := range t.partitions {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = partition, ends[partition]
		of.Partitions = append(of.Partitions, p)
	}
	req.Topics = append(req.Topics, of)
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, of := range res.Topics {
		for _, p := range of.Partitions {
			switch err := kerr.ErrorForCode(p.ErrorCode); {
			case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.RebalanceInProgress):
				return nil // it has members: another watcher let it begin
			case err != nil:
				return fmt.Errorf("where the group begins could not be committed: %w", err)
			}
		}
	}
	return nil
}

// committed tells whether a group has committed anything of the topic.
func (t *topic) committed(ctx context.Context, client *kgo.Client, group string) (bool, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	of := kmsg.NewOffsetFetchRequestGroupTopic()
	of.Topic, of.TopicID, of.Partitions = t.name, t.id, t.partitions
	g.Topics = append(g.Topics, of)
	req.Groups = append(req.Groups, g)
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return false, err
	}
	there := false
	for _, g := range res.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return false, fmt.Errorf("the broker says of the group: %w", err)
		}
		for _, of := range g.Topics {
			for _, p := range of.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return false, fmt.Errorf("the broker says of the group: %w", err)
				}
				there = there || p.Offset >= 0
			}
		}
	}
	return there, nil
}

// ends gives the offset behind what can be read of each partition.
func (t *topic) ends(ctx context.Context, client *kgo.Client) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = 1 // what a producer has not decided on yet is new once it has
	of := kmsg.NewListOffsetsRequestTopic()
	of.Topic = t.name
	for _, partition := range t.partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = partition, -1
		of.Partitions = append(of.Partitions, p)
	}
	req.Topics = append(req.Topics, of)
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	ends := map[int32]int64{}
	for _, of := range res.Topics {
		for _, p := range of.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("the broker says of the topic: %w", err)
			}
			ends[p.Partition] = p.Offset
		}
	}
	if len(ends) < len(t.partitions) {
		return nil, fmt.Errorf("the brokers tell the end of %d partitions of %d", len(ends), len(t.partitions))
	}
	return ends, nil
}

package node

import (
	"context"
	"time"

	"entente/internal/audit"
)

// BackupStateResponse says how this node stands with backups.
type BackupStateResponse struct {
	Ready bool      `json:"ready"`         // the configuration names a key that they are encrypted to
	Last  time.Time `json:"last,omitzero"` // when one was last written here, as the audit log has it; zero: it has none
	By    string    `json:"by,omitempty"`  // whose name the log has for it
	Name  string    `json:"name"`          // that a file of one made now would have
}

// lookedBack is how many lines about backups are looked at for one that was finished.
const lookedBack = 100

// BackupState says when a backup was last made.
func (n *Node) BackupState(ctx context.Context) (*BackupStateResponse, error) {
	res := &BackupStateResponse{Ready: n.config.Backup.Recipient != "", Name: "entente-" + string(n.keys().party)[:12] + "-" + n.now().UTC().Format("20060102-150405") + ".backup"}
	lines, _, err := n.audit.Lines(audit.Filter{Action: "backup", Limit: lookedBack})
	if err != nil {
		return nil, err
	}
	for _, x := range lines {
		if x.Outcome == audit.OK {
			res.Last, res.By = x.At, x.Name
			break
		}
	}
	return res, ctx.Err()
}

// Examine is [Doctor] of this node's own folder, while it runs.
func (n *Node) Examine(ctx context.Context, progress func(Progress)) (*DoctorResponse, error) {
	return Doctor(ctx, n.at.dir, DoctorOptions{FS: n.at.fs, Clock: n.opts.Clock, Progress: progress})
}

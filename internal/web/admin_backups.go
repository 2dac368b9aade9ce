package web

import (
	"io"
	"net/http"

	"entente/internal/node"
)

func (h *handler) backupRoutes() []route {
	return []route{
		mayAdmin("GET /admin/backups", h.backups, nil),
		{pattern: "GET /backup", scope: node.ScopeAdmin, raw: h.backup},
		{pattern: "POST /doctor", scope: node.ScopeAdmin, show: h.backups, act: h.examine, long: true},
	}
}

// backupsData is how the node stands: its backups, and the disk under it.
type backupsData struct {
	*node.BackupStateResponse
	Dir  string
	Disk node.DiskView
}

// FreeMiB is how much room is left on the disk.
func (d backupsData) FreeMiB() int64 { return d.Disk.Free >> 20 }

func (h *handler) backups(r *http.Request) (string, *page, error) {
	b, err := h.node.BackupState(r.Context())
	if err != nil {
		return "", nil, err
	}
	s, err := h.node.Overview(r.Context())
	if err != nil {
		return "", nil, err
	}
	return "backups", adminPage("backups", backupsData{b, s.Dir, s.Disk}), nil
}

// backup sends a backup as it is made: the browser shows how far it is, and keeps nothing of one that was cut.
func (h *handler) backup(w http.ResponseWriter, r *http.Request) error {
	b, err := h.node.BackupState(r.Context())
	if err != nil {
		return err
	}
	return h.send(w, r, "application/octet-stream", fileName(b.Name), func(out io.Writer) error {
		return h.node.Backup(r.Context(), out, func(node.Progress) {})
	})
}

// examine reads every file of the node's folder.
func (h *handler) examine(r *http.Request) (outcome, error) {
	res, err := h.node.Examine(r.Context(), nil)
	return outcome{shown: res}, err
}

package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed assets/*.css assets/*.js
var assets embed.FS

// assetDigests are the assets by name, each with a part of its SHA-256: its address changes with it, so a
// browser may keep it for good.
var assetDigests = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	names, _ := fs.Glob(assets, "assets/*") // the pattern is right
	for _, name := range names {
		text, _ := assets.ReadFile(name) // embedded: it is there
		sum := sha256.Sum256(text)
		out[path.Base(name)] = hex.EncodeToString(sum[:6])
	}
	return out
})

// asset is the address of an asset.
func asset(name string) string { return "/assets/" + name + "?v=" + assetDigests()[name] }

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	digest, ok := assetDigests()[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	kind := "text/css; charset=utf-8"
	if strings.HasSuffix(name, ".js") {
		kind = "text/javascript; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == digest {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeFileFS(w, r, assets, "assets/"+name)
}

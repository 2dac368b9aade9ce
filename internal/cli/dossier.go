package cli

import "entente/internal/node"

// writeDossier prints what a dossier shows, or what does not hold of it.
func writeDossier(p *printer, r *node.DossierReport) {
	if r.OK {
		p.block("", r.Text())
		return
	}
	p.f("The dossier does NOT verify. Do not rely on any part of it.")
	p.f("  %s", r.Damage)
}

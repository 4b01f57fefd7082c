package graphsim

import (
	"net/http"
	"slices"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var domainRoutes = []route{
	{http.MethodGet, "/domains/{domain}", [][]string{{"Domain.Read.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"}}, (*Tenant).getDomain},
}

func (t *Tenant) getDomain(q query) answer {
	kind := "Managed"
	if slices.ContainsFunc(t.settings.FederatedDomains, func(d string) bool { return ascii.EqualFold(d, q.named["domain"]) }) {
		kind = "Federated"
	}
	return entity("domains/$entity", map[string]any{"id": q.named["domain"], "authenticationType": kind, "isVerified": true})
}

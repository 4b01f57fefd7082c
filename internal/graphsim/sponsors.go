package graphsim

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	writesAgents  = [][]string{{"AgentIdentity.UpdateSponsors.All"}}
	sponsorRoutes = slices.Concat(
		[]route{{http.MethodGet, "/users/{id}/sponsorOf", readsUsers[:2], (*Tenant).listSponsored}},
		sponsorsOf("/users/{id}/sponsors", readsUsers[:2], writesUsers, userSponsors),
		sponsorsOf("/servicePrincipals/{agent}/microsoft.graph.agentIdentity/sponsors", [][]string{{"Application.Read.All"}, {"Application.ReadWrite.All"}}, writesAgents, agentSponsors),
	)
)

// Agent is an identity of an agent.
type Agent struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind"` // agentIdentity unless given, or agentIdentityBlueprint
	Name     string   `json:"displayName"`
	Sponsors []string `json:"sponsors,omitempty"` // their object ids

	seen lagged[[]string]
}

// AddAgent puts an agent into the tenant, and returns its object id.
func (t *Tenant) AddAgent(agent Agent) (id string) {
	defer t.lock()()
	agent.ID, agent.Kind = cmp.Or(agent.ID, uuid.NewString()), cmp.Or(agent.Kind, "agentIdentity")
	agent.seen = lagged[[]string]{now: agent.Sponsors}
	t.agents = append(t.agents, &agent)
	return agent.ID
}

// Agents returns the agents as they are now, by object id.
func (t *Tenant) Agents() map[string]Agent {
	defer t.lock()()
	all := map[string]Agent{}
	for _, agent := range t.agents {
		all[agent.ID] = *agent
	}
	return all
}

// sponsors are those who answer for an object, as they are, as reads show them, and how they are changed.
type sponsors struct {
	now, shown []string
	least      int // how many have to stay
	change     func(all []string)
}

func userSponsors(t *Tenant, q query) *sponsors {
	return &sponsors{q.user.Sponsors, q.user.seen.at(t.shown()).Sponsors, 0, func(all []string) { q.user.hold(t.now(), func(h *Holdings) { h.Sponsors = all }) }}
}

func agentSponsors(t *Tenant, q query) *sponsors {
	for _, agent := range t.agents {
		if agent.Kind == "agentIdentity" && ascii.EqualFold(agent.ID, q.named["agent"]) {
			return &sponsors{agent.Sponsors, agent.seen.at(t.shown()), 1, func(all []string) {
				agent.Sponsors = all
				agent.seen.set(all, t.now())
			}}
		}
	}
	return nil
}

func sponsorsOf(path string, reads, writes [][]string, find func(*Tenant, query) *sponsors) []route {
	of := func(do func(*Tenant, query, *sponsors) answer) func(*Tenant, query) answer {
		return func(t *Tenant, q query) answer {
			found := find(t, q)
			if found == nil {
				return noObject(q.named["agent"])
			}
			return do(t, q, found)
		}
	}
	return []route{
		{http.MethodGet, path, reads, of((*Tenant).listSponsors)},
		{http.MethodPost, path + "/$ref", writes, of((*Tenant).addSponsor)},
		{http.MethodDelete, path + "/{sponsor}/$ref", writes, of((*Tenant).removeSponsor)},
	}
}

func (t *Tenant) listSponsors(_ query, s *sponsors) answer {
	all := []any{}
	for _, id := range s.shown {
		all = append(all, map[string]any{"@odata.type": "#microsoft.graph.user", "id": id})
	}
	return collection("directoryObjects", all)
}

func (t *Tenant) addSponsor(q query, s *sponsors) answer {
	id, ok := referred(q)
	sponsor := t.find(id)
	switch {
	case !ok:
		return fault(http.StatusBadRequest, "Request_BadRequest", "Invalid URL format specified in @odata.id.")
	case sponsor == nil:
		return noObject(id)
	case slices.Contains(s.now, sponsor.ID):
		return fault(http.StatusBadRequest, "Request_BadRequest", "One or more added object references already exist for the following modified properties: 'sponsors'.")
	}
	s.change(append(slices.Clone(s.now), sponsor.ID))
	return noContent
}

func (t *Tenant) removeSponsor(q query, s *sponsors) answer {
	id := q.named["sponsor"]
	is := func(sponsor string) bool { return ascii.EqualFold(sponsor, id) }
	switch left := without(s.now, is); {
	case len(left) == len(s.now) && slices.ContainsFunc(s.shown, is): // a replica has it still
		return fault(http.StatusBadRequest, "Request_BadRequest", "One or more removed object references do not exist for the following modified properties: 'sponsors'.")
	case len(left) == len(s.now):
		return noObject(id)
	case len(left) < s.least:
		return fault(http.StatusBadRequest, "Request_BadRequest", "The agent identity must have at least one sponsor.")
	default:
		s.change(left)
		return noContent
	}
}

func (t *Tenant) listSponsored(q query) answer {
	all := []any{}
	for _, user := range t.others() {
		if slices.Contains(user.seen.at(t.shown()).Sponsors, q.user.ID) {
			all = append(all, map[string]any{"@odata.type": "#microsoft.graph.user", "id": user.ID, "displayName": known(user.DisplayName)})
		}
	}
	for _, agent := range t.agents {
		if slices.Contains(agent.seen.at(t.shown()), q.user.ID) {
			all = append(all, map[string]any{"@odata.type": "#microsoft.graph." + agent.Kind, "id": agent.ID, "displayName": agent.Name})
		}
	}
	return collection("directoryObjects", all)
}

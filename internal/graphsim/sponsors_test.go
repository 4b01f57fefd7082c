package graphsim_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAGuestMayLoseEverySponsorAndAnAgentNotTheLast(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	adeles, megans := o.Users()[adele].ID, o.Users()[megan].ID
	guest := o.Add(graphsim.User{UserPrincipalName: lee, UserType: "Guest", Holdings: graphsim.Holdings{Sponsors: []string{adeles}}})
	agent := o.AddAgent(graphsim.Agent{Name: "Clerk", Sponsors: []string{adeles}})
	assert.Len(t, o.list("/users/"+adeles+"/sponsorOf"), 2)
	of := "/servicePrincipals/" + agent + "/microsoft.graph.agentIdentity/sponsors"
	add := func(id string) string {
		return `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + id + `"}`
	}
	o.refused(400, "at least one sponsor", "DELETE", of+"/"+adeles+"/$ref", "")
	o.refused(400, "added object references already exist", "POST", of+"/$ref", add(adeles))
	o.refused(404, "does not exist", "POST", of+"/$ref", add("nobody"))
	require.Equal(t, 204, o.graph("POST", of+"/$ref", add(megans)).status)
	require.Equal(t, 204, o.graph("DELETE", of+"/"+adeles+"/$ref", "").status)
	o.refused(404, "does not exist", "DELETE", of+"/"+adeles+"/$ref", "")
	require.Equal(t, 204, o.graph("DELETE", "/users/"+guest+"/sponsors/"+adeles+"/$ref", "").status)
	assert.Empty(t, o.list("/users/"+adeles+"/sponsorOf"))
	assert.Equal(t, []string{megans}, o.Agents()[agent].Sponsors)
	o.refused(404, "does not exist", "GET", "/servicePrincipals/"+guest+"/microsoft.graph.agentIdentity/sponsors", "")
}

func TestReadsOfSponsorsLag(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	adeles := o.Users()[adele].ID
	guest := o.Add(graphsim.User{UserPrincipalName: lee, Holdings: graphsim.Holdings{Sponsors: []string{adeles}}})
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	path := "/users/" + guest + "/sponsors"
	require.Equal(t, 204, o.graph("DELETE", path+"/"+adeles+"/$ref", "").status)
	assert.Len(t, o.list(path), 1)
	assert.Len(t, o.list("/users/"+adeles+"/sponsorOf"), 1)
	o.refused(400, "removed object references do not exist", "DELETE", path+"/"+adeles+"/$ref", "")
}

package graphsim_test

import (
	"testing"

	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDefaultMethodGoesLastAndThePasswordNever(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{Methods: []graphsim.Method{{ID: "p1", Kind: "phone", Default: true}, {ID: "f1", Kind: "fido2"}, {ID: "h1", Kind: "hardwareOath"}}})
	path := "/users/" + id + "/authentication"
	assert.Len(t, o.list(path+"/methods"), 4)
	o.refused(400, "matches the user's current default authentication method", "DELETE", path+"/phoneMethods/p1", "")
	o.refused(404, "was not found", "DELETE", path+"/phoneMethods/f1", "")
	require.Equal(t, 204, o.graph("DELETE", path+"/fido2Methods/f1", "").status)
	o.refused(404, "was not found", "DELETE", path+"/fido2Methods/f1", "")
	for _, none := range []string{"/hardwareOathMethods/h1", "/methods/h1", "/passwordMethods/28c10230-6103-485e-b985-444c60001490"} {
		o.refused(400, "Resource not found for the segment", "DELETE", path+none, "")
	}
	user := o.Users()[lee]
	user.Methods = []graphsim.Method{{ID: "a1", Kind: "microsoftAuthenticator", Default: true}, {ID: "a2", Kind: "microsoftAuthenticator"}}
	o.Add(user)
	o.refused(400, "Cannot delete default method with other methods configured", "DELETE", path+"/microsoftAuthenticatorMethods/a1", "")
	require.Equal(t, 204, o.graph("DELETE", path+"/microsoftAuthenticatorMethods/a2", "").status)
	require.Equal(t, 204, o.graph("DELETE", path+"/microsoftAuthenticatorMethods/a1", "").status)
	assert.Empty(t, o.Users()[lee].Methods)
}

func TestTheMethodsOfAnAdministratorAreNotRemovedByAnybody(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.Add(graphsim.User{UserPrincipalName: lee, Memberships: []graphsim.Membership{{ID: "g1", IsAssignableToRole: true}}, Holdings: graphsim.Holdings{Methods: []graphsim.Method{{ID: "p1", Kind: "phone"}}}})
	application := o.token
	o.token = o.Token(graphsim.Delegated)
	o.refused(403, "Request Authorization failed", "DELETE", "/users/"+id+"/authentication/phoneMethods/p1", "")
	o.token = application
	assert.Equal(t, 204, o.graph("DELETE", "/users/"+id+"/authentication/phoneMethods/p1", "").status)
}

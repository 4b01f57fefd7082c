package graphsim_test

import (
	"testing"

	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

func TestAUsersPropertiesAreChangedAllOrNone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Add(graphsim.User{UserPrincipalName: lee, Texts: map[string]string{"jobTitle": "Clerk", "mobilePhone": "+1 555 0100"}})
	before := o.Users()[lee]
	for body, message := range map[string]string{
		`{"department":"Sales","nonsense":"x"}`: "Could not find a property named 'nonsense' on type 'microsoft.graph.user'.",
		`{"department":"Sales","jobTitle":1}`:   "Invalid value specified for property 'jobTitle'",
		`{"department":""}`:                     "Invalid value specified for property 'department'",
		`{"displayName":null}`:                  "Invalid value specified for property 'displayName'",
		`{"department":"Sales","id":"x"}`:       "Invalid value specified for property 'id'",
		`{"accountEnabled":"no"}`:               "Invalid value specified for property 'accountEnabled'",
		`{}`:                                    "needs a body",
		``:                                      "needs a body",
		`[]`:                                    "needs a body",
	} {
		r := o.graph("PATCH", "/users/"+lee, body)
		assert.Equal(t, 400, r.status, body)
		assert.Contains(t, r.message(t), message, body)
	}
	assert.Equal(t, before, o.Users()[lee])

	assert.Equal(t, 204, o.graph("PATCH", "/users/"+lee, `{"accountEnabled":true,"displayName":"Lee","department":"Sales","officeLocation":"1/2","mobilePhone":null,"jobTitle":"Head"}`).status)
	user := o.Users()[lee]
	assert.Equal(t, []any{true, "Lee", map[string]string{"department": "Sales", "officeLocation": "1/2", "jobTitle": "Head"}}, []any{user.AccountEnabled, user.DisplayName, user.Texts})
	assert.Equal(t, map[string]string{"jobTitle": "Clerk", "mobilePhone": "+1 555 0100"}, before.Texts, "what was read before stays what it was")
	assert.Equal(t, nil, o.graph("GET", "/users/"+lee, "").json(t)["mobilePhone"])

	o.token = o.Token(graphsim.Application, "User.EnableDisableAccount.All", "User.Read.All")
	assert.Equal(t, 403, o.graph("PATCH", "/users/"+lee, `{"accountEnabled":false,"department":"IT"}`).status, "this permission is for the account alone")
	assert.Equal(t, 204, o.graph("PATCH", "/users/"+lee, `{"accountEnabled":false}`).status)
}

func TestADeletedUserIsAmongTheDeletedItemsAndKeepsTheDevices(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.Add(graphsim.User{UserPrincipalName: lee, DisplayName: "Lee", Deleted: true, Devices: []graphsim.Device{{ID: "d1"}}})
	for _, path := range []string{"/users/" + id, "/users/" + lee, "/users/" + id + "/managedDevices", "/users/" + id + "/registeredDevices", "/directory/deletedItems/" + o.Users()[adele].ID} {
		r := o.graph("GET", path, "")
		assert.Equal(t, []any{404, "Request_ResourceNotFound"}, []any{r.status, r.code(t)}, path)
	}
	deleted := o.graph("GET", "/directory/deletedItems/"+id, "").json(t)
	assert.NotEmpty(t, deleted["deletedDateTime"])
	assert.Equal(t, []any{id, "Lee", "#microsoft.graph.user"}, []any{deleted["id"], deleted["displayName"], deleted["@odata.type"]})
	assert.NotEqual(t, lee, deleted["userPrincipalName"], "the name is free again")
	assert.Contains(t, deleted["userPrincipalName"], lee)
	assert.Equal(t, []string{"d1"}, o.graph("GET", devices+where("userId eq '"+id+"'"), "").ids(t))
	assert.Equal(t, 204, o.retire("d1"))
	assert.Empty(t, o.Users()[lee].Devices)
	requests := o.Requests()
	assert.Equal(t, id, requests[len(requests)-1].UserID)
}

package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var methods = each{leaver.ActivityListAuthenticationMethods, leaver.ActivityRemoveAuthenticationMethod}

// withMethods is Adele and Megan, who sign in by the same kinds of methods, and a step for Adele.
func withMethods(t *testing.T, kinds ...string) (*stage, leaver.StepRequest) {
	t.Helper()
	var all []graphsim.Method
	for _, kind := range kinds {
		all = append(all, graphsim.Method{Kind: kind, Text: "of Adele Vance, +1 5550142"})
	}
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Holdings: graphsim.Holdings{Methods: all}}, {UserPrincipalName: megan, Holdings: graphsim.Holdings{Methods: all}}})
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

// byDefault makes the first of Adele's methods the default one.
func (s *stage) byDefault() {
	s.change(func(user *graphsim.User) { user.Methods[0].Default = true })
}

func TestEveryKindOfMethodIsRemovedAndThePasswordIsNone(t *testing.T) {
	t.Parallel()
	kinds := []string{"phone", "email", "microsoftAuthenticator", "fido2", "softwareOath", "temporaryAccessPass", "windowsHelloForBusiness", "platformCredential", "external"}
	s, request := withMethods(t, kinds...)
	s.change(func(user *graphsim.User) { user.Methods[3].Model = "Key 5" })
	items := methods.lists(t, s, request).Items
	require.Len(t, items, len(kinds))
	assert.Equal(t, "temporaryAccessPass", items[0].Kind, "it goes first")
	assert.Equal(t, []string{"phone", "email", "microsoftAuthenticator", "fido2"}, []string{items[1].Kind, items[2].Kind, items[3].Kind, items[4].Kind})
	assert.Equal(t, "Key 5", items[4].Name)
	for _, item := range items {
		assert.Equal(t, "#microsoft.graph."+item.Kind+"AuthenticationMethod", item.Before["@odata.type"])
		for _, text := range append([]string{item.ID, item.Name, item.Detail}, item.Before["createdDateTime"]) {
			assert.NotContains(t, text, "5550142")
			assert.NotContains(t, text, "Adele")
		}
	}
	for _, item := range methods.does(t, s, request) {
		assertItem(t, item, leaver.Done, "the sign-in method is removed")
	}
	assert.Empty(t, s.Users()[adele].Methods)
	assert.Len(t, s.Users()[megan].Methods, len(kinds))
	assert.Equal(t, leaver.StepResult{Detail: "the leaver has no sign-in method but the password"}, methods.lists(t, s, request))
}

func TestTheDefaultMethodIsRemovedWhenTheOthersAreGone(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"phone", "microsoftAuthenticator"} { // which Graph refuses in two ways
		s, request := withMethods(t, kind, "fido2")
		s.byDefault()
		items := methods.lists(t, s, request).Items
		says := waiting(t, s, errorOf(methods.changes(t, s, 1, request, items[0])), leaver.GraphUnavailable).Message()
		assert.Contains(t, says, "it is the default method, which goes last")
		methods.changed(t, s, 1, request, items[1])
		assertItem(t, methods.changed(t, s, 2, request, items[0]), leaver.Done, "")
		assert.Empty(t, s.Users()[adele].Methods)
	}
}

func TestTheDefaultMethodBesideOneThatStaysIsForAPerson(t *testing.T) {
	t.Parallel()
	s, request := withMethods(t, "phone", "hardwareOath")
	s.byDefault()
	items := methods.lists(t, s, request).Items
	assertItem(t, items[1], leaver.Failed, "only the beta of Graph removes")
	waiting(t, s, errorOf(methods.changes(t, s, 1, request, items[0])), leaver.GraphBadRequest)
	_, err := last[leaver.Item](t, s, methods.change, leaver.ItemRequest{UserID: request.UserID, Item: items[0]})
	assert.Contains(t, final(t, s, err, leaver.GraphBadRequest).Message(), "another one is left: remove that one in the Entra admin center, then retry")
	assert.Len(t, s.Users()[adele].Methods, 2)
}

func TestAMethodThatCannotBeRemovedIsToldAndNoPathIsGuessed(t *testing.T) {
	t.Parallel()
	s, request := withMethods(t, "hardwareOath", "qrCodePin", "passwordlessMicrosoftAuthenticator", "telepathy")
	items := methods.lists(t, s, request).Items
	require.Len(t, items, 4)
	for i, item := range items {
		assert.Empty(t, item.Failure, "it is no question")
		assertItem(t, item, leaver.Failed, "an Authentication Administrator removes it in the Entra admin center")
		if i < 3 {
			assert.Contains(t, item.Detail, "only the beta of Graph")
		} else {
			assert.Contains(t, item.Detail, "of a kind that is not known here")
			assert.Equal(t, "unknown", item.Kind)
		}
		final(t, s, errorOf(methods.changes(t, s, 1, request, item)), leaver.GraphBadRequest)
	}
	assert.Empty(t, s.writes())
}

func TestARemovedMethodThatIsStillListedIsNotDone(t *testing.T) {
	t.Parallel()
	s, request := withMethods(t, "phone")
	open := methods.lists(t, s, request).Items[0]
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	assert.Contains(t, waiting(t, s, errorOf(methods.changes(t, s, 1, request, open)), leaver.GraphUnavailable).Message(), "does not show it yet")
	assert.Contains(t, waiting(t, s, errorOf(methods.changes(t, s, 2, request, open)), leaver.GraphUnavailable).Message(), "does not find it")
	s.Configure(graphsim.Settings{})
	assertItem(t, methods.changed(t, s, 3, request, open), leaver.Done, "")
	assert.Equal(t, 1, s.accepted())
}

func TestARemovalOfAMethodWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	s, request := withMethods(t, "fido2")
	open := methods.lists(t, s, request).Items[0]
	s.Fail(graphsim.Fault{Method: "DELETE", Cut: true})
	waiting(t, s, errorOf(methods.changes(t, s, 1, request, open)), leaver.GraphUnavailable)
	assertItem(t, methods.changed(t, s, 2, request, open), leaver.Done, "")
	assert.Len(t, s.writes(), 1)
}

func TestThePermissionOfTheKindIsNamed(t *testing.T) {
	t.Parallel()
	s, request := withMethods(t, "fido2", "phone")
	s.Accept(s.token, graphsim.Application, "UserAuthenticationMethod.Read.All", "UserAuthMethod-Passkey.ReadWrite.All")
	items := methods.lists(t, s, request).Items
	methods.changed(t, s, 1, request, items[0])
	says := final(t, s, errorOf(methods.changes(t, s, 1, request, items[1])), leaver.GraphForbidden).Message()
	assert.Contains(t, says, "grant the permission UserAuthMethod-Phone.ReadWrite.All")
}

func TestTheMethodsOfADeletedLeaverAreNotAsked(t *testing.T) {
	t.Parallel()
	s, request := withMethods(t, "phone")
	open := methods.lists(t, s, request).Items[0]
	s.change(func(user *graphsim.User) { user.Deleted = true })
	assertItem(t, methods.changed(t, s, 1, request, open), leaver.Skipped, "deleted")
	assert.Equal(t, leaver.StepResult{Detail: "the account is deleted"}, methods.lists(t, s, request))
	assert.Empty(t, s.writes())
}

package activities_test

import (
	"maps"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withAttributes is Adele and Megan with the same attributes, and a step that empties two of Adele's.
func withAttributes(t *testing.T) (*stage, leaver.StepRequest) {
	t.Helper()
	texts := map[string]string{"jobTitle": "Clerk of Adele Vance", "mobilePhone": "+1 5550142", "department": "Sales"}
	s := set(t, []graphsim.User{{UserPrincipalName: adele, DisplayName: "Adele Vance", Texts: texts}, {UserPrincipalName: megan, Texts: maps.Clone(texts)}})
	return s, leaver.StepRequest{UserID: s.id(adele), Settings: leaver.Settings{Attributes: []string{"jobTitle", "mobilePhone"}}}
}

// scrubs makes one attempt.
func (s *stage) scrubs(t *testing.T, number int32, request leaver.StepRequest) (leaver.StepResult, error) {
	t.Helper()
	return call[leaver.StepResult](t, s, number, leaver.ActivityScrubAttributes, request)
}

func TestTheNamedAttributesAreEmptiedAndNoOthers(t *testing.T) {
	t.Parallel()
	s, request := withAttributes(t)
	result, err := s.scrubs(t, 1, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.StepResult{Outcome: leaver.Done, Detail: "jobTitle, mobilePhone: empty"}, result)
	assert.Equal(t, map[string]string{"department": "Sales"}, s.Users()[adele].Texts)
	assert.Equal(t, "Adele Vance", s.Users()[adele].DisplayName)
	assert.Len(t, s.Users()[megan].Texts, 3)
	result, err = s.scrubs(t, 1, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: "jobTitle, mobilePhone: empty before"}, result)
	assert.Len(t, s.writes(), 1)
}

func TestAttributesThatAreStillShownAreNotEmpty(t *testing.T) {
	t.Parallel()
	s, request := withAttributes(t)
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	assert.Contains(t, waiting(t, s, errorOf(s.scrubs(t, 1, request)), leaver.GraphUnavailable).Message(), "does not show it yet")
	s.Configure(graphsim.Settings{})
	result, err := s.scrubs(t, 2, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Len(t, s.writes(), 1)

	s, request = withAttributes(t)
	s.Fail(graphsim.Fault{Method: "PATCH", Cut: true})
	waiting(t, s, errorOf(s.scrubs(t, 1, request)), leaver.GraphUnavailable)
	result, err = s.scrubs(t, 2, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Len(t, s.writes(), 1)
}

func TestTheAttributesOfASynchronisedAccountAreLeftToActiveDirectory(t *testing.T) {
	t.Parallel()
	s, request := withAttributes(t)
	s.change(func(user *graphsim.User) {
		user.OnPremisesSyncEnabled = true
		delete(user.Texts, "mobilePhone")
	})
	says := final(t, s, errorOf(s.scrubs(t, 1, request)), leaver.GraphBadRequest).Message()
	assert.Contains(t, says, "Active Directory, which owns jobTitle: empty them there")
	assert.NotContains(t, says, "Clerk")
	assert.Empty(t, s.writes())
}

func TestOnlySomeAttributesCanBeEmptied(t *testing.T) {
	t.Parallel()
	s, request := withAttributes(t)
	for want, names := range map[string][]string{
		"attributes: is missing":                                   nil,
		"attributes.1: want one of city, companyName, ":            {"jobTitle", "userPrincipalName"},
		"attributes.0: want one of city, companyName, country, de": {"usageLocation"},
		"attributes.1: stands there twice":                         {"jobTitle", "jobTitle"},
	} {
		request.Settings.Attributes = names
		assert.Contains(t, final(t, s, errorOf(s.scrubs(t, 1, request)), leaver.InvalidRequest).Message(), "settings."+want)
		plan := with(leaver.StepSettings{}, leaver.StepScrubAttributes)
		plan.Steps[leaver.StepScrubAttributes] = leaver.StepSettings{Include: true, Settings: request.Settings}
		_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, plan)
		assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "steps.scrubAttributes."+want)
	}
	assert.Empty(t, s.Requests())
}

func TestAttributesAreLeftWhereThePermissionIsMissing(t *testing.T) {
	t.Parallel()
	s, request := withAttributes(t)
	s.Accept(s.token, graphsim.Application, "User.Read.All")
	assert.Contains(t, final(t, s, errorOf(s.scrubs(t, 1, request)), leaver.GraphForbidden).Message(), "User.ReadWrite.All")
	s.change(func(user *graphsim.User) { user.Deleted = true })
	result, err := s.scrubs(t, 1, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
}

func TestTheTelephoneNumberOfAnAdministratorNeedsARoleThatOutranks(t *testing.T) {
	t.Parallel()
	s, request := withAttributes(t)
	s.change(func(user *graphsim.User) { user.Memberships = []graphsim.Membership{{ID: "r1", Role: true}} })
	assert.Contains(t, final(t, s, errorOf(s.scrubs(t, 1, request)), leaver.GraphForbidden).Message(), "needs a directory role too that outranks them")
	assert.Zero(t, s.accepted())
	request.Settings.Attributes = []string{"jobTitle"}
	result, err := s.scrubs(t, 1, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
}

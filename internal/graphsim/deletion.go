package graphsim

import "net/http"

var deletionRoutes = []route{
	{http.MethodDelete, "/users/{id}", [][]string{{"User.DeleteRestore.All"}, {"User.ReadWrite.All"}, {"Directory.ReadWrite.All"}}, (*Tenant).deleteUser},
}

// deleteUser puts a user among the deleted. The devices stay managed.
func (t *Tenant) deleteUser(q query) answer {
	switch {
	case q.user.OnPremisesSyncEnabled:
		return masteredFault()
	case q.user.privileged():
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	q.user.Deleted, q.user.deletedAt = true, t.now()
	return noContent
}

// showsDeleted reports whether reads show by now that a user is deleted.
func (t *Tenant) showsDeleted(u *User) bool { return u.Deleted && !u.deletedAt.After(t.shown()) }

// findLate is the user whom a read of a user finds, also where it lags behind the user's deletion, or nil.
func (t *Tenant) findLate(q query) *User {
	if q.request.Method == http.MethodGet && q.route.path == "/users/{id}" {
		for _, user := range t.users {
			if !t.showsDeleted(user) && user.is(q.id) {
				return user
			}
		}
	}
	return t.find(q.id)
}

//! Inline policies of users, groups and roles.

use cumulet_auth::policy::size;
use cumulet_service::Cx;

use crate::error::{Error, Result};
use crate::page::{Page, Paging};
use crate::store::{self, Holder};
use crate::text;

/// Gives `holder` the policy `name`, in the place of one of that name.
pub(crate) async fn put<H: Holder>(cx: &Cx, holder: &str, name: &str, text: &str) -> Result<()> {
    text::check(text)?;
    let edit = |entity: &mut H| {
        let limit = H::INLINE;
        let inline = &mut entity.grants_mut().inline;
        inline.insert(name.to_owned(), text.to_owned());
        if inline.values().map(|text| size(text)).sum::<usize>() > limit {
            let message =
                format!("Maximum policy size of {limit} bytes exceeded for {} {holder}", H::KIND);
            return Err(Error::LimitExceeded(message));
        }
        Ok(())
    };
    store::change(cx, holder, edit).await
}

/// The text of `holder`'s policy `name`, encoded for an answer.
pub(crate) async fn get<H: Holder>(cx: &Cx, holder: &str, name: &str) -> Result<String> {
    let entity: H = store::read(cx, holder).await?;
    let text = entity.grants().and_then(|grants| grants.inline.get(name));
    text.map(|text| text::encode(text)).ok_or_else(|| missing::<H>(name))
}

/// A page of the names of `holder`'s policies.
pub(crate) async fn list<H: Holder>(
    cx: &Cx,
    holder: &str,
    paging: &Paging,
) -> Result<Page<String>> {
    let mut entity: H = store::read(cx, holder).await?;
    let inline = std::mem::take(&mut entity.grants_mut().inline);
    Ok(paging.cut(inline.into_keys(), Clone::clone))
}

/// Takes the policy `name` from `holder`.
pub(crate) async fn delete<H: Holder>(cx: &Cx, holder: &str, name: &str) -> Result<()> {
    let edit = |entity: &mut H| {
        entity.grants_mut().inline.remove(name).map(drop).ok_or_else(|| missing::<H>(name))
    };
    store::change(cx, holder, edit).await
}

fn missing<H: Holder>(name: &str) -> Error {
    Error::NoSuchEntity(format!("The {} policy with name {name} cannot be found.", H::KIND))
}

//! Which function is which operation.

/// Implements `Handle` for operations whose leave follows from their path:
/// `handles! { HttpApis: GetApi => api::get, … }`.
macro_rules! handles {
    ($service:ty: $($operation:ty => $function:expr),* $(,)?) => {$(
        impl ::cumulet_service::Handle<$operation> for $service {
            async fn access(
                &self,
                cx: &::cumulet_service::Cx,
                input: &<$operation as ::cumulet_shape::Operation>::Input,
            ) -> ::cumulet_service::Result<::std::vec::Vec<::cumulet_service::Access>> {
                $crate::access::of::<$operation>(cx, input).await
            }

            async fn handle(
                &self,
                cx: &::cumulet_service::Cx,
                input: <$operation as ::cumulet_shape::Operation>::Input,
            ) -> ::cumulet_service::Result<<$operation as ::cumulet_shape::Operation>::Output> {
                $function(cx, input).await
            }
        }
    )*};
}

pub(crate) use handles;

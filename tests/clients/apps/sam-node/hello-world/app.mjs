// The event is API Gateway's Lambda proxy input format, the result its output format.
export const lambdaHandler = async (event, context) => {
  const response = {
    statusCode: 200,
    body: JSON.stringify({
      message: 'hello world',
    })
  };

  return response;
};

const { Duet } = require('duet');

Duet.load('emoji').then(async model => {
  console.log(JSON.stringify({ name: model.name, imageSize: model.imageSize }));
  await model.release();
});

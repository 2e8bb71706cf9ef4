// A carefully written unlink webhook for Node: the same checks as ours, one client created during init and reused.
import { createHash, timingSafeEqual } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

const MAX_BODY = 64 * 1024;

const client = new SQSClient({});
const queueUrl = process.env.EVENT_QUEUE_URL;
const digest = Buffer.from(process.env.ADMIN_KEY_SHA256, 'hex');

function isFromKakao(headers) {
  const value = headers.authorization ?? '';
  const key = value.startsWith('KakaoAK ') ? value.slice('KakaoAK '.length) : '';
  return timingSafeEqual(createHash('sha256').update(key).digest(), digest);
}

function refuse(statusCode, error) {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ error }) };
}

export async function handler(event) {
  const { http, requestId, timeEpoch } = event.requestContext;
  if (http.method !== 'GET' && http.method !== 'POST') return refuse(405, 'method_not_allowed');
  if (!isFromKakao(event.headers)) return refuse(401, 'unauthorized');
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (body.length > MAX_BODY) return refuse(413, 'too_large');
  const parameters = new URLSearchParams(http.method === 'GET' ? event.rawQueryString : body.toString());
  const appId = parameters.get('app_id');
  const userId = parameters.get('user_id');
  if (!appId || !userId) return refuse(400, 'bad_request');
  const envelope = {
    v: 1,
    id: requestId,
    app_id: appId,
    received_at: timeEpoch,
    kind: 'unlink',
    event: { user_id: userId, referrer_type: parameters.get('referrer_type') },
  };
  try {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(envelope) }));
  } catch {
    return refuse(503, 'unavailable');
  }
  return { statusCode: 200 };
}

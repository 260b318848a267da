import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, emptyConversation, type Question, withChange, withQuestion } from './conversation.ts';
import { exportHtml, pictureAddresses } from './export-html.ts';

const png = 'data:image/png;base64,iVBORw0KGgo=';
const facts = { model: 'chatty', date: '28 November 2026', pictures: new Map([['/v1/jobs/j/files/0.png', png]]) };

function conversation(question: Partial<Question>, answer: Partial<Answer>) {
  const asked = withQuestion(emptyConversation('c'), { parent: null, text: '', pictures: [], ...question }, '');
  return withChange<Answer>(asked, 1, { status: 'done', ...answer });
}

/** What is left of the page when the elements that it may have are taken out, each exactly as it is written. */
function withoutMarkup(html: string): string {
  const body = html.slice(html.indexOf('<body>'), html.lastIndexOf('</html>'));
  const tags = /<\/?(?:body|header|main|h1|h2|p|section)>|<(?:section|p) class="(?:you|model|note)">/g;
  return body
    .replace(/<img src="data:image\/[a-z]+;base64,[A-Za-z0-9+/]+={0,2}" alt="[^"<>]*">/g, '')
    .replace(tags, '');
}

describe('an exported conversation', () => {
  it('has words and pictures in their order and needs nothing else', () => {
    const made = conversation(
      { text: 'two foxes?', pictures: [{ name: 'mine.png', url: png }] },
      {
        parts: [
          { type: 'text', text: 'Here they are: ' },
          { type: 'image', index: 0, seed: 1, url: '/v1/jobs/j/files/0.png', preview: null },
        ],
      },
    );
    const html = exportHtml(made, facts);
    expect(html).toMatch(/two foxes\?[\s\S]*Here they are:<\/p><img src="data:image\/png;base64,iVBORw0KGgo="/);
    expect(html.match(/<img /g)).toHaveLength(2);
    expect(html).not.toMatch(/\b(?:src|href)="(?!data:)|<script|url\(|@import/);
    expect(html).toContain("default-src 'none'");
    expect(html).toContain('prefers-color-scheme: dark');
    expect(pictureAddresses(made)).toEqual([png, '/v1/jobs/j/files/0.png']);
  });

  it('says what is not there any more, what was stopped and what failed', () => {
    const gone = { type: 'image', index: 0, seed: 1, url: '/v1/jobs/gone/files/0.png', preview: null } as const;
    expect(exportHtml(conversation({}, { parts: [gone] }), facts)).toContain('not kept any more: Picture 1');
    expect(exportHtml(conversation({}, { status: 'stopped' }), facts)).toContain('Stopped');
    const fault = { code: 'x', message: '<b>away</b>' };
    expect(exportHtml(conversation({}, { status: 'failed', fault }), facts)).toContain('&lt;b&gt;away&lt;/b&gt;');
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html;base64,AAAA',
    'data:image/svg+xml;base64,AAAA',
    'data:image/png;base64,AA"onerror="alert(1)',
    'https://elsewhere/a.png',
  ])('takes no picture from %s', url => {
    const html = exportHtml(conversation({ pictures: [{ name: 'a', url }] }, {}), facts);
    expect(html).not.toContain('<img');
    expect(html).not.toContain(url);
  });

  it('keeps hostile text as text, wherever it stands', () => {
    const bits = ['<', '>', '&', '"', "'", '<script>', '</style>', '<!--', ']]>', '\0', 'a', '\n', '&lt;', 'onload='];
    const hostile = fc.string({ unit: fc.constantFrom(...bits), maxLength: 30 });
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (text, name, words, model) => {
        const fault = { code: 'x', message: words };
        const parts = [{ type: 'text', text: words } as const];
        const made = conversation({ text, pictures: [{ name, url: png }] }, { status: 'failed', parts, fault });
        const html = exportHtml(made, { ...facts, model });
        expect(withoutMarkup(html)).not.toMatch(/[<>"'\0]/);
        expect(html.slice(0, html.indexOf('<body>')).match(/<title>|<\/title>|<style>|<\/style>/g)).toHaveLength(4);
      }),
    );
  });
});

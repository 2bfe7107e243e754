import { defineTexts } from './language.ts';

/** What several pages say. */
export const common = defineTexts({
  all: ['All', '전체'],
  allSessions: ['All sessions', '모든 세션'],
  amount: ['Amount', '금액'],
  cancel: ['Cancel', '취소'],
  close: ['Close', '닫기'],
  copied: ['Copied', '복사했습니다'],
  copy: ['Copy', '복사'],
  delete: ['Delete', '삭제'],
  globalSession: ['(global session)', '(전역 세션)'],
  loading: ['Loading…', '불러오는 중…'],
  noMore: ['That is all.', '끝입니다.'],
  nothingFits: ['Nothing fits the filter.', '필터에 맞는 것이 없습니다.'],
  payment: ['Payment', '결제'],
  readOnly: [
    'Read only: SIMULATOR_API is off, so nothing can be changed here.',
    '읽기 전용: SIMULATOR_API가 꺼져 있어 여기서는 아무것도 바꿀 수 없습니다.',
  ],
  refresh: ['Refresh', '새로 고침'],
  reservation: ['Reservation', '예약'],
  reset: ['Reset', '초기화'],
  save: ['Save', '저장'],
  session: ['Session', '세션'],
  status: ['Status', '상태'],
  time: ['Time', '시각'],
  user: ['User', '사용자'],
});
